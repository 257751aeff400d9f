// SPDX-License-Identifier: Apache-2.0
// A socket that tells a text, asked as a client would.

import Glibc
import Platform
import Synchronization
import Testing

@testable import Serve

@Suite("the text socket")
struct TextSocketTests {
  private let path = "/tmp/apus-text-\(getpid())-\(Clock.bootNanoseconds()).sock"

  private func mode() -> mode_t? {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode : nil
  }

  @Test("each who connects is told the text of that moment; others cannot open it")
  func told() throws {
    let count = Atomic(0)
    let socket = try TextSocket(path: path) {
      "told \(count.add(1, ordering: .relaxed).newValue)\n"
    }
    #expect(TextSocket.read(path: path) == "told 1\n")
    #expect(TextSocket.read(path: path) == "told 2\n")
    #expect(mode() == S_IFSOCK | 0o600)
    _ = consume socket
    #expect(mode() == nil)
    #expect(TextSocket.read(path: path) == nil)
  }

  @Test("one that was left by a process that was killed is replaced")
  func stale() throws {
    let descriptor = try named { bind($0, $1, $2) }
    close(descriptor)
    #expect(TextSocket.read(path: path) == nil)
    let socket = try TextSocket(path: path) { "new" }
    #expect(TextSocket.read(path: path) == "new")
    _ = consume socket
  }

  @Test("a file of another kind is not replaced")
  func file() throws {
    defer { unlink(path) }
    _ = try Descriptor(path: path, flags: O_WRONLY | O_CREAT)
    do throws(ServeError) {
      _ = try TextSocket(path: path) { "" }
      Issue.record("it listens")
    } catch {
      #expect(error == .listen(address: path, errno: EADDRINUSE))
    }
    #expect(mode().map { $0 & S_IFMT } == S_IFREG)
  }

  @Test("who connects and reads nothing keeps nobody else waiting")
  func silent() throws {
    let text = String(repeating: "x", count: 3_000_000)
    let socket = try TextSocket(path: path) { text }
    let silent = try (0..<5).map { _ in try named { connect($0, $1, $2) } }
    defer { for descriptor in silent { close(descriptor) } }
    let begin = Clock.bootNanoseconds()
    // More than the kernel takes at once: its end is not sent.
    let read = try #require(TextSocket.read(path: path, bytesMax: 4_000_000))
    #expect(read.utf8.count < text.utf8.count)
    #expect(Clock.bootNanoseconds() - begin < 2_000_000_000)
    _ = consume socket
  }

  /// A socket that was bound, or connected, to the path.
  private func named(
    _ call: (CInt, UnsafePointer<sockaddr>, socklen_t) -> CInt
  ) throws -> CInt {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let code = withUnsafePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        call(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(code == 0)
    return descriptor
  }
}
