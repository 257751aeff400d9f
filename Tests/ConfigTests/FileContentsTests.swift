// SPDX-License-Identifier: Apache-2.0
// Files that can be read and are not what the option wants.

import Glibc
import Testing

@testable import Config

@Suite("contents of files") struct FileContentsTests {
  private static let certificate = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
  private static let key = "-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----\n"

  private func fault(_ key: OptionKey, _ text: String) -> String? {
    FileContents(key).fault(Array(text.utf8))
  }

  @Test("a chain and a key are known by their lines") func pem() {
    #expect(fault(.exportCertificate, "a comment\r\n" + Self.certificate) == nil)
    #expect(fault(.httpTLSKey, Self.key) == nil)
    #expect(fault(.exportClientKey, Self.certificate + Self.key) == nil)
    #expect(fault(.httpTLSCertificate, Self.key) == "holds no certificate in PEM")
    #expect(fault(.httpTLSKey, Self.certificate) == "holds no private key in PEM")
    #expect(fault(.exportCertificate, String(Self.certificate.dropLast(9))) != nil)
    #expect(fault(.exportCertificate, "") != nil)
  }

  @Test("a token is one word") func token() {
    #expect(fault(.httpTokenFile, "correct-horse\n") == nil)
    #expect(fault(.httpTokenFile, " \n") == "is empty")
    #expect(fault(.httpTokenFile, "two words") == "holds more than a token")
  }

  @Test("what a file names ends the start; what a variable names is said") func sources() throws {
    var path = Array("/tmp/apus-contents-XXXXXX".utf8CString)
    let descriptor = mkstemp(&path)
    let name = String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer {
      close(descriptor)
      unlink(name)
    }
    let reading = ConfigReading(
      file: nil, environment: { _ in nil }, flags: [.httpTokenFile: .text(name)])
    #expect(
      reading.problems.errors.map(\.description) == [
        "flag --http.token_file: http.token_file: \"\(name)\" is empty; "
          + "give one with a token of letters, digits and signs"
      ])
    let environment = ["OTEL_EXPORTER_OTLP_CERTIFICATE": name]
    let told = ConfigReading(file: nil, environment: { environment[$0] })
    #expect(
      told.warnings.map(\.description) == [
        "env OTEL_EXPORTER_OTLP_CERTIFICATE: \"\(name)\" holds no certificate in PEM; give a PEM "
          + "file with -----BEGIN CERTIFICATE-----; nothing is sent with it until that is mended"
      ])
  }
}
