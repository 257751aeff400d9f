// SPDX-License-Identifier: Apache-2.0
// `${env:NAME}` and `${file:PATH}`: what they come to, and that it stays secret.

@testable import Config
import Glibc
import Testing

@Suite("references in a file")
struct ReferenceTests {
  /// A file that is gone afterwards.
  static func withFile<Result>(
    _ bytes: [UInt8], _ body: (String) throws -> Result
  ) throws -> Result {
    var template = Array("/tmp/apus-reference-XXXXXX\0".utf8CString)
    let descriptor = mkstemp(&template)
    try #require(descriptor >= 0)
    let path = String(
      decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer {
      close(descriptor)
      unlink(path)
    }
    #expect(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    return try body(path)
  }

  private func write(_ text: String, to path: String) throws {
    let file = try #require(fopen(path, "w"))
    fputs(text, file)
    fclose(file)
  }

  static let texts: [(text: String, result: String, references: [String])] = [
    ("plain", "plain", []), ("", "", []), ("$5 and $$", "$5 and $$", []), ("$", "$", []),
    ("${env:A}", "one", ["${env:A}"]),
    ("x${env:A}y${env:B}", "xoney two", ["${env:A}", "${env:B}"]),
    ("${env:A}${env:A}", "oneone", ["${env:A}", "${env:A}"]),
    ("${env:NONE:-text}", "text", ["${env:NONE}"]), ("${env:NONE:-}", "", ["${env:NONE}"]),
    ("${env:EMPTY:-text}", "text", ["${env:EMPTY}"]), ("${env:A:-text}", "one", ["${env:A}"]),
    ("${env:NONE:-a:-b $c}", "a:-b $c", ["${env:NONE}"]),
    ("$${env:A}", "${env:A}", []), ("$$${env:A}", "$${env:A}", []),
    ("$${env:A}${env:A}", "${env:A}one", ["${env:A}"]),
    // What comes of one is not looked into again.
    ("${env:NESTED}", "${env:A}", ["${env:NESTED}"]),
  ]

  static func environment(_ name: String) -> String? {
    ["A": "one", "B": " two", "EMPTY": "", "NESTED": "${env:A}"][name]
  }

  @Test("text with references", arguments: texts)
  func text(text: String, result: String, references: [String]) throws {
    var resolver = References(environment: Self.environment)
    let resolved = try resolver.resolve(text)
    #expect(resolved.text == result)
    #expect(resolved.references == references)
  }

  @Test("a file's text is taken whole, but for one line's end")
  func files() throws {
    for (bytes, result) in [
      ("secret", "secret"), ("secret\n", "secret"), ("secret\r\n", "secret"),
      ("secret\n\n", "secret\n"), (" a: [b]\n- c", " a: [b]\n- c"),
    ] {
      try Self.withFile(Array(bytes.utf8)) { path in
        var resolver = References(environment: { _ in nil })
        let resolved = try resolver.resolve("<${file:\(path)}>")
        #expect(resolved.text == "<\(result)>")
        #expect(resolved.references == ["${file:\(path)}"])
      }
    }
  }

  @Test("a header has what its file has by then; one that cannot be used is refused")
  func currentHeader() throws {
    try Self.withFile(Array("one\n".utf8)) { path in
      let settings = try settings(
        """
        export:
          endpoint: http://c
          headers: { authorization: "Bearer ${file:\(path)}", a: b }
        """
      )
      let headers = try #require(settings.export.logs.destination?.headers)
      #expect(headers.map(\.value) == ["Bearer one", "b"])
      #expect(headers[1].template == nil)
      for (text, value) in [("two", "Bearer two"), ("three\n", "Bearer three")] {
        try write(text, to: path)
        let current = try headers[0].currentHeader(number: 1) { _ in nil }
        #expect(current.value == value && current.isSecret)
      }
      for bad in ["", "a\nb"] {
        try write(bad, to: path)
        #expect(throws: ValueError.self) { try headers[0].currentHeader(number: 1) { _ in nil } }
      }
    }
  }

  @Test("a file that is empty, too large or no text is refused")
  func wrongFiles() throws {
    let cases: [([UInt8], String)] = [
      ([], "is empty"), ([10], "is empty"), ([0xff, 0xfe], "is not UTF-8"),
      ([UInt8](repeating: 97, count: Limits.fileBytes + 1), "is larger than 64 KiB"),
    ]
    for (bytes, wrong) in cases {
      try Self.withFile(bytes) { path in
        let message = refusal("log:\n  level: ${file:\(path)}") ?? ""
        #expect(message.hasPrefix("apus.yaml:2:10: log.level: file \"\(path)\" \(wrong)"))
      }
    }
  }

  @Test("references are bounded in number and in what they come to")
  func bounds() throws {
    let many = String(repeating: "${env:A}", count: Limits.references + 1)
    #expect(refusal("file:\n  path: \(many)", env: ["A": "x"])?.contains("more than 256") == true)
    let long = String(repeating: "x", count: Limits.fileBytes / 2 + 1)
    let twice = refusal("file:\n  path: ${env:A}${env:A}", env: ["A": long])
    #expect(twice?.contains("come to more than 64 KiB") == true)
  }

  @Test("what comes of a reference is text, whatever it looks like")
  func noStructure() throws {
    let env = ["A": "x\ny: { z: \"", "HOST": "c:1", "WORDS": "console, otlp"]
    let settings = try settings(
      """
      export:
        endpoint: http://${env:HOST}
        logs: { exporter: "${env:WORDS}" }
      resource: { attributes: { a: "${env:A}" } }
      sockets:
        max: ${env:MAX:-2048}
      """, env: env)
    #expect(settings.resourceAttributes.first?.value == "x\ny: { z: \"")
    #expect(settings.export.logs.destination?.url == "http://c:1/v1/logs")
    #expect(settings.export.logs.console && settings.socketsMax == 2048)
  }

  @Test("what came of a reference is printed as *** with the reference")
  func printed() throws {
    let text = try settings(
      """
      export:
        endpoint: http://${env:HOST}
      resource:
        service_name: ${env:NAME:-hidden-default}
        attributes: { open: plain, token: "${env:HOST}" }
      file:
        path: /var/$${x}
      """, env: ["HOST": "hunter2"]
    ).printed()
    #expect(text.contains("  endpoint: \"***\"  # apus.yaml:2 ${env:HOST}\n"))
    #expect(text.contains("  service_name: \"***\"  # apus.yaml:4 ${env:NAME}\n"))
    #expect(
      text.contains(
        "  attributes: { \"open\": \"plain\", \"token\": \"***\" }  # apus.yaml:5 ${env:HOST}\n"))
    #expect(text.contains("  path: \"/var/${x}\"  # apus.yaml:7\n"))
    #expect(!text.contains("hunter2") && !text.contains("hidden-default"))
  }

  @Test("what a reference gives is not repeated by warnings either")
  func warnings() throws {
    let settings = try settings(
      "export:\n  protocol: grpc\n  endpoint: http://c/${env:A}", env: ["A": "hunter2"])
    #expect(settings.warnings.count == 1)
    #expect(!settings.warnings.contains { "\($0)".contains("hunter2") })
  }
}
