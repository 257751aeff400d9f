// SPDX-License-Identifier: Apache-2.0
// From endpoints to the URLs that are called, by the OTLP exporter's rules.

@testable import Config
import Testing

@Suite("destinations")
struct DestinationTests {
  private static let base = "OTEL_EXPORTER_OTLP_ENDPOINT"
  private static let logs = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"
  private static let kind = "OTEL_EXPORTER_OTLP_PROTOCOL"
  private static let insecure = "OTEL_EXPORTER_OTLP_INSECURE"

  static let urls: [(env: [String: String], logs: String?, metrics: String?)] = [
    ([:], nil, nil),
    ([base: "http://c:4318"], "http://c:4318/v1/logs", "http://c:4318/v1/metrics"),
    ([base: "http://c:4318/"], "http://c:4318/v1/logs", "http://c:4318/v1/metrics"),
    ([base: "http://c:4318/my/"], "http://c:4318/my/v1/logs", "http://c:4318/my/v1/metrics"),
    ([base: "http://c:4318/my"], "http://c:4318/my/v1/logs", "http://c:4318/my/v1/metrics"),
    ([base: "HTTPS://c"], "https://c/v1/logs", "https://c/v1/metrics"),
    ([base: "http://[::1]:4318"], "http://[::1]:4318/v1/logs", "http://[::1]:4318/v1/metrics"),
    ([base: "http://c/p?q=1"], "http://c/p/v1/logs?q=1", "http://c/p/v1/metrics?q=1"),
    ([logs: "http://c:4318"], "http://c:4318/", nil),
    ([logs: "http://c:4318/x/y"], "http://c:4318/x/y", nil),
    ([base: "http://g", logs: "http://l/in"], "http://l/in", "http://g/v1/metrics"),
    ([base: "[::1]:4317", kind: "grpc"], "https://[::1]:4317", "https://[::1]:4317"),
    ([base: "c:4317", kind: "grpc"], "https://c:4317", "https://c:4317"),
    ([base: "c:4317", kind: "grpc", insecure: "true"], "http://c:4317", "http://c:4317"),
    ([base: "https://c:4317", kind: "grpc", insecure: "true"], "https://c:4317", "https://c:4317"),
    ([base: "http://c:4317", kind: "grpc"], "http://c:4317", "http://c:4317"),
    (["OTEL_LOGS_EXPORTER": "otlp"], "http://localhost:4318/v1/logs", nil),
    (["OTEL_METRICS_EXPORTER": "otlp", kind: "grpc"], nil, "http://localhost:4317"),
    ([base: "http://c", "OTEL_LOGS_EXPORTER": "none"], nil, "http://c/v1/metrics"),
    ([base: "http://c", "OTEL_METRICS_EXPORTER": "prometheus"], "http://c/v1/logs", nil),
    (
      [base: "http://c", "OTEL_METRICS_EXPORTER": "otlp, prometheus"], "http://c/v1/logs",
      "http://c/v1/metrics"
    ),
    ([base: "collector:4318"], nil, nil),
  ]

  @Test("endpoints become URLs", arguments: urls)
  func url(env: [String: String], logs: String?, metrics: String?) throws {
    let export = try settings(env: env).export
    #expect(export.logs.destination?.url == logs)
    #expect(export.metrics.destination?.url == metrics)
  }

  @Test("each signal may have its own protocol")
  func perSignalProtocol() throws {
    let export = try settings(env: [
      "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317",
      "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "grpc",
    ]).export
    #expect(export.logs.destination?.protocol == .grpc)
    #expect(export.logs.destination?.url == "http://c:4317")
    #expect(export.metrics.destination?.protocol == .httpProtobuf)
    #expect(export.metrics.destination?.url == "http://c:4317/v1/metrics")
  }

  @Test("a path on a grpc endpoint is ignored and said once")
  func grpcPath() throws {
    let settings = try settings(env: [
      "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317/v1/logs",
      "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    ])
    #expect(settings.export.logs.destination?.url == "http://c:4317")
    #expect(
      settings.warnings.map(\.description) == [
        "env OTEL_EXPORTER_OTLP_ENDPOINT: \"/v1/logs\" is a path, and grpc has its own; "
          + "write the endpoint without it; the path is ignored"
      ])
  }

  @Test("console is asked for by name")
  func console() throws {
    let export = try settings(env: ["OTEL_LOGS_EXPORTER": "console"]).export
    #expect(export.logs == SignalSettings(destination: nil, console: true))
    #expect(!export.metrics.console)
  }

  @Test("the file gives the same destinations as the environment")
  func fromFile() throws {
    let yaml = """
      export:
        endpoint: https://c:4318/base
        timeout: 3s
        headers: { authorization: Bearer x }
        logs: { endpoint: "http://l:1/in", protocol: grpc, headers: {} }
        metrics: { timeout: 0s }
      """
    let export = try settings(yaml).export
    #expect(export.logs.destination?.url == "http://l:1")
    #expect(export.logs.destination?.headers == [])
    #expect(export.logs.destination?.timeoutMilliseconds == 3000)
    #expect(export.metrics.destination?.url == "https://c:4318/base/v1/metrics")
    #expect(export.metrics.destination?.headers == [Pair("authorization", "Bearer x")])
    #expect(export.metrics.destination?.timeoutMilliseconds == 0)
  }
}
