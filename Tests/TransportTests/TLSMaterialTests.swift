// SPDX-License-Identifier: Apache-2.0
// Certificates whose files come, change and go while the client lives.

import Glibc
import Testing

@testable import Transport

@Suite("certificates in files") struct TLSMaterialTests {
  private static let second: UInt64 = 1_000_000_000

  /// A file of its own, which goes with it.
  private final class File {
    let path: String

    init() {
      var name = Array("/tmp/apus-tls-XXXXXX".utf8CString)
      close(mkstemp(&name))
      path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func write(_ text: String) {
      let file = fopen(path, "w")
      fputs(text, file)
      fclose(file)
    }

    /// As a secret of Kubernetes changes: another file takes the name.
    func replace(_ text: String) {
      let other = File()
      other.write(text)
      rename(other.path, path)
    }

    deinit { unlink(path) }
  }

  private func text(_ bytes: [UInt8]?) -> String? {
    bytes.map { String(decoding: $0, as: UTF8.self) }
  }

  @Test("are read again when they changed, looking at most once a second")
  func rotation() throws {
    let (authorities, certificate, key) = (File(), File(), File())
    for file in [authorities, certificate, key] { file.write("one") }
    let material = TLSMaterial(
      TLSFiles(authorities: authorities.path, certificate: certificate.path, key: key.path))
    try material.refresh(now: 0)
    #expect(text(material.authorities) == "one" && text(material.key) == "one")
    certificate.replace("two")
    key.replace("two")
    try material.refresh(now: Self.second - 1)
    #expect(text(material.certificate) == "one")
    try material.refresh(now: Self.second)
    #expect(text(material.certificate) == "two" && text(material.key) == "two")
    #expect(text(material.authorities) == "one")
  }

  @Test("that vanish are kept as they were, and found when they are back")
  func vanished() throws {
    let file = File()
    file.write("one")
    let material = TLSMaterial(TLSFiles(authorities: file.path))
    try material.refresh(now: 0)
    unlink(file.path)
    try material.refresh(now: 5 * Self.second)
    #expect(text(material.authorities) == "one")
    file.write("two")
    try material.refresh(now: 7 * Self.second)
    #expect(text(material.authorities) == "two")
  }

  @Test("that were never there fail each time until they are")
  func missing() throws {
    let file = File()
    unlink(file.path)
    let material = TLSMaterial(TLSFiles(authorities: file.path))
    for now in 0..<3 as Range<UInt64> {
      var failure: TransferFailure?
      do throws(TransferFailure) { try material.refresh(now: now) } catch { failure = error }
      #expect(failure?.kind == .tls)
      #expect(failure?.message.hasPrefix(file.path) == true)
    }
    #expect(material.authorities == nil)
    file.write("one")
    try material.refresh(now: 4)
    #expect(text(material.authorities) == "one")
  }

  /// The thread that sends everything would wait for the writer of a pipe.
  @Test("that are no files are refused") func noFile() {
    #expect(throws: TransferFailure.self) {
      try TLSMaterial(TLSFiles(authorities: "/dev/null")).refresh(now: 0)
    }
  }

  @Test("that are too large are refused") func large() {
    let file = File()
    file.write(String(repeating: "x", count: (1 << 20) + 1))
    #expect(throws: TransferFailure.self) {
      try TLSMaterial(TLSFiles(authorities: file.path)).refresh(now: 0)
    }
  }
}
