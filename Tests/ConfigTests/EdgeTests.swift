// SPDX-License-Identifier: Apache-2.0
// The last value that is right and the first that is wrong; what hides a secret in rare places.

@testable import Config
import Glibc
import Testing

@Suite("at the edges")
struct EdgeTests {
  @Test(
    "what is just right is accepted",
    arguments: [
      "export:\n  batch_bytes: 64KiB\n  queue: 64KiB",
      "export:\n  batch_bytes: 64KiB\n  max_request_bytes: 64KiB",
      "export:\n  endpoint: http://a_b.example:4318",
      "export:\n  endpoint: unix:///" + String(repeating: "a", count: 106),
      "export:\n  headers:\n    a: \"b\\tc\"",
      "export:\n  headers:" + (1...128).map { "\n    h\($0): x" }.joined(),
    ])
  func right(yaml: String) {
    #expect(refusal(yaml) == nil)
  }

  @Test("a socket's path has at most 107 bytes")
  func socketPath() {
    let path = "/" + String(repeating: "a", count: 107)
    #expect(
      refusal("export:\n  endpoint: unix://\(path)")
        == "apus.yaml:2:13: export.endpoint: the path of the socket is longer than 107 bytes; "
        + "give it a shorter one")
  }

  @Test("the pair that is one too many is the one that is named")
  func pairs() throws {
    #expect(
      refusal("export:\n  headers:" + (1...129).map { "\n    h\($0): x" }.joined())
        == "apus.yaml:131:5: export.headers: has more than 128 pairs; write fewer")
    let name = "OTEL_EXPORTER_OTLP_HEADERS"
    let list = (1...128).map { "h\($0)=x" }.joined(separator: ",")
    #expect(try warnings([name: list]).isEmpty)
    #expect(try warnings([name: list + ",h=x"]).count == 1)
  }

  @Test("a long value is shown as sixty characters")
  func shownText() {
    let text = String(repeating: "x", count: 60)
    #expect(shown(text) == "\"\(text)\"")
    #expect(shown(text + "y") == "\"\(text)…\"")
  }

  @Test("a file of 64 KiB is read, and none that is larger")
  func fileSize() throws {
    let bytes = [UInt8](repeating: UInt8(ascii: "#"), count: 65_536)
    let read = try ReferenceTests.withFile(bytes) { path in try ConfigFile.read(path) }
    #expect(read == bytes)
    #expect(throws: ConfigError.self) {
      _ = try ReferenceTests.withFile(bytes + bytes.prefix(1)) { path in try ConfigFile.read(path) }
    }
  }

  @Test("a FIFO is refused and not waited for", .timeLimit(.minutes(1)))
  func fifo() throws {
    try ReferenceTests.withFile([]) { path in
      unlink(path)
      try #require(mkfifo(path, 0o600) == 0)
      let options: [(file: String?, flags: [OptionKey: Value])] = [
        (path, [:]), (nil, [.exportCertificate: .text(path)]),
      ]
      for (file, flags) in options {
        let reading = ConfigReading(file: file, environment: { _ in nil }, flags: flags)
        #expect(reading.problems.errors.count == 1)
        #expect("\(reading.problems.errors)".contains("is not a regular file"))
      }
    }
  }

  @Test("a path that a reference gives is not told when there is no such file")
  func hiddenPath() throws {
    let yaml = "export:\n  certificate: ${env:A}\n"
    try ReferenceTests.withFile(Array(yaml.utf8)) { path in
      let env = ["A": "/nonexistent/hunter2"]
      let reading = ConfigReading(file: path, environment: { env[$0] })
      #expect(
        reading.problems.errors.map(\.description) == [
          "\(path):2:16: export.certificate: ${env:A} cannot be read (No such file or directory); "
            + "give a file that this user may read"
        ])
    }
  }

  @Test("warnings of files reach whoever asks for the reading alone")
  func warningsOfFiles() {
    let name = "OTEL_EXPORTER_OTLP_CERTIFICATE"
    let reading = ConfigReading(file: nil, environment: { $0 == name ? "/no/ca" : nil })
    #expect(reading.settings != nil && reading.warnings.count == 1)
  }

  @Test("an empty service.name is none, and one that is secret stays so")
  func serviceName() throws {
    let name = "OTEL_RESOURCE_ATTRIBUTES"
    #expect(try settings(env: [name: "service.name="]).serviceName == "apus")
    let text = try settings(
      "resource:\n  attributes: { service.name: \"${env:A}\", b: \"${env:B}${env:B}\" }",
      env: ["A": "hunter2", "B": "hunter3", name: "c=d"]
    ).printed()
    #expect(text.contains("service_name: \"***\"  # apus.yaml:2 ${env:A} ${env:B}\n"))
    // The references of both sources, each once.
    #expect(
      text.contains(
        "attributes: { \"b\": \"***\", \"c\": \"d\" }  # env \(name) ${env:A} ${env:B}\n"))
    #expect(!text.contains("hunter"))
  }

  @Test("a limit that no record passes needs no word, nor does the path / of gRPC")
  func silent() throws {
    #expect(try warnings(["OTEL_ATTRIBUTE_COUNT_LIMIT": "64"]).isEmpty)
    #expect(
      try warnings([
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317/", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
      ]).isEmpty)
  }

  @Test("a batch as large as the queue is no conflict, and one of the smallest queue has a record")
  func recordLimits() throws {
    func limits(_ queue: Int, _ batch: Int?) throws -> Settings {
      var env = ["OTEL_BLRP_MAX_QUEUE_SIZE": "\(queue)"]
      env["OTEL_BLRP_MAX_EXPORT_BATCH_SIZE"] = batch.map(String.init)
      return try settings(env: env)
    }
    #expect(try limits(23, 23).warnings.isEmpty)
    #expect(try limits(1, nil).limits.batchRecords == 1)
  }

  @Test("a word that is written twice counts once")
  func words() throws {
    let text = try settings("export:\n  logs:\n    exporter: [otlp, otlp]").printed()
    #expect(text.contains("exporter: [otlp]  # apus.yaml:3\n"))
  }

  @Test("two letters off is a slip, three are not, and twenty slips are told")
  func slips() {
    func count(_ names: [String]) -> Int {
      ConfigReading(yaml: nil, fileName: "", environment: { _ in nil }, variables: names)
        .warnings.count
    }
    #expect(count(["OTEL_SERVICE_NAMExy"]) == 1)
    #expect(count(["OTEL_SERVICE_NAMExyz"]) == 0)
    #expect(count((0..<30).map { "OTEL_SERVICE_NAME\($0 + 10)" }) == 20)
  }

  @Test("the port that counts is the one that is named")
  func listen() throws {
    let env = [
      "OTEL_EXPORTER_PROMETHEUS_HOST": "0.0.0.0", "OTEL_EXPORTER_PROMETHEUS_PORT": "1234",
    ]
    #expect(
      try settings(env: env).printed().contains(
        "listen: \"0.0.0.0:1234\"  # env OTEL_EXPORTER_PROMETHEUS_PORT\n"))
  }

  @Test("a reference to what is no text is refused")
  func notText() {
    #expect(
      refusal("http:\n  token: ${env:A}", env: ["A": "a\u{fffd}"])
        == "apus.yaml:2:10: http.token: variable A is not UTF-8; set it to text")
  }

  @Test("a client's half is left out, and the authorities stay")
  func authorities() throws {
    let prefix = "OTEL_EXPORTER_OTLP_"
    let settings = try settings(env: [
      prefix + "ENDPOINT": "https://c", prefix + "CERTIFICATE": "/ca",
      prefix + "CLIENT_KEY": "/key",
    ])
    #expect(settings.export.logs.destination?.tls == TLSPaths(authorities: "/ca"))
  }

  @Test("a secret is not told as a flag's value either")
  func secret() {
    #expect(Value.secret("hunter2").plain == "\"***\"")
  }

  @Test("options beside each other are not taken for each other", arguments: [true, false])
  func neighbours(first: Bool) throws {
    let settings = try settings(
      """
      exec: { enabled: \(first), failed: \(!first) }
      http: { token: abc, token_file: /t }
      prometheus: { created: \(first), scope_labels: \(!first) }
      """)
    #expect(settings.exec.enabled == first && settings.exec.failed == !first)
    #expect(settings.http.token == "abc" && settings.http.tokenFile == "/t")
    #expect(settings.prometheus.created == first && settings.prometheus.scopeLabels == !first)
  }
}
