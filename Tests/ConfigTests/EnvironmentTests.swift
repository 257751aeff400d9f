// SPDX-License-Identifier: Apache-2.0
// OpenTelemetry's variables: what each means. What bad ones are told is in Cases.

@testable import Config
import Platform
import Testing

@Suite("variables of OpenTelemetry")
struct EnvironmentTests {
  @Test("a bad variable leaves what the file says")
  func badVariableKeepsFile() throws {
    let settings = try settings(
      "metrics:\n  interval: 5s", env: ["OTEL_METRIC_EXPORT_INTERVAL": "often"])
    #expect(settings.metricsIntervalMilliseconds == 5000)
    #expect(settings.warnings.count == 1)
  }

  @Test("an empty variable is one that is not set")
  func emptyIsUnset() throws {
    var all: [String: String] = [:]
    for name in ForeignVariables.known { all[name] = "" }
    #expect(all.count > 40)
    let settings = try settings(env: all)
    #expect(settings.warnings.isEmpty)
    #expect(settings.effective.allSatisfy { $0.entry == nil || $0.entry?.source == .fallback })
  }

  @Test("what is blank around a value is no part of it")
  func trimmedValues() throws {
    let settings = try settings(env: [
      "OTEL_EXPORTER_OTLP_ENDPOINT": " http://c:4318\n",
      "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer x\r\n", "OTEL_SERVICE_NAME": "\tnode a\n",
      "OTEL_LOG_LEVEL": " \n",
    ])
    #expect(settings.export.logs.destination?.url == "http://c:4318/v1/logs")
    #expect(settings.export.logs.destination?.headers == [Pair("authorization", "Bearer x")])
    #expect(settings.serviceName == "node a" && settings.warnings.isEmpty)
    #expect(settings.logLevel == .info)
  }

  @Test("an output without effect is an error in one file, and a warning where sources differ")
  func outputs() throws {
    let env = ["OTEL_LOGS_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "prometheus"]
    let both = try settings("file: { path: /tmp/x }\nlisten: off", env: env)
    #expect(
      both.warnings.map(\.description) == [
        "env OTEL_LOGS_EXPORTER: console has no effect, since file.path takes all signals; write "
          + "one of them; file.path: - is standard output; the file is written",
        "env OTEL_METRICS_EXPORTER: prometheus has no effect, since listen is off; set listen to "
          + "an address; nothing serves /metrics",
      ])
    #expect(try settings("file: { path: '-' }\nlisten: false", env: [:]).listen == nil)
    #expect(try settings("file: { path: '-' }", env: env).warnings.isEmpty)
    let flag = try settings(
      "export: { logs: { exporter: console } }", flags: [.filePath: .text("/tmp/x")])
    #expect(flag.warnings.count == 1 && flag.otlpFile == "/tmp/x")
  }

  @Test("durations are integer milliseconds and a timeout of 0 is no limit")
  func durations() throws {
    let settings = try settings(env: [
      "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_EXPORTER_OTLP_TIMEOUT": "0",
      "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT": "2500", "OTEL_METRIC_EXPORT_INTERVAL": "1500",
      "OTEL_BLRP_SCHEDULE_DELAY": "250",
    ])
    #expect(settings.export.logs.destination?.timeoutMilliseconds == 0)
    #expect(settings.export.metrics.destination?.timeoutMilliseconds == 2500)
    #expect(settings.metricsIntervalMilliseconds == 1500)
    #expect(settings.export.scheduleDelayMilliseconds == 250)
  }

  @Test("enumerations are read in any case")
  func enumerations() throws {
    let settings = try settings(env: [
      "OTEL_EXPORTER_OTLP_PROTOCOL": "GRPC", "OTEL_LOG_LEVEL": "Debug",
      "OTEL_LOGS_EXPORTER": "OTLP",
    ])
    #expect(settings.export.logs.destination?.protocol == .grpc)
    #expect(settings.logLevel == .debug)
    #expect(settings.warnings.isEmpty)
  }

  @Test("only true in any case disables, and then nothing is sent")
  func disabled() throws {
    for (value, isDisabled) in [("true", true), ("TRUE", true), ("false", false), ("yes", false)] {
      let settings = try settings(env: [
        "OTEL_SDK_DISABLED": value, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318",
        "OTEL_METRICS_EXPORTER": "otlp,console",
      ])
      #expect((settings.export.logs.destination == nil) == isDisabled, "\(value)")
      #expect(settings.export.metrics.console == !isDisabled, "\(value)")
    }
  }

  @Test("headers are trimmed, percent-decoded, and kept in order")
  func headers() throws {
    let settings = try settings(env: [
      "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318",
      "OTEL_EXPORTER_OTLP_HEADERS": " Authorization = Basic%20YQ== ,x-key=a%2Cb,",
      "OTEL_EXPORTER_OTLP_LOGS_HEADERS": "only=logs",
    ])
    #expect(
      settings.export.metrics.destination?.headers
        == [Pair("Authorization", "Basic YQ=="), Pair("x-key", "a,b")])
    #expect(settings.export.logs.destination?.headers == [Pair("only", "logs")])
  }

  @Test("resource attributes are decoded and merged over the file's, key by key")
  func attributes() throws {
    let settings = try settings(
      "resource:\n  attributes:\n    zone: a\n    rack: \"7\"",
      env: ["OTEL_RESOURCE_ATTRIBUTES": "zone=b%2Cc,k8s.node.name=n%3D1,empty="])
    #expect(
      settings.resourceAttributes
        == [
          Pair("rack", "7"), Pair("zone", "b,c"), Pair("k8s.node.name", "n=1"), Pair("empty", ""),
        ])
  }

  @Test("one bad pair discards every resource attribute of the variable")
  func attributesAllOrNothing() throws {
    let settings = try settings(env: ["OTEL_RESOURCE_ATTRIBUTES": "a=1,b=2,c"])
    #expect(settings.resourceAttributes.isEmpty)
  }

  @Test(
    "OTEL_SERVICE_NAME beats service.name, and a variable beats the file",
    arguments: [
      (nil, [:], "apus"),
      ("resource:\n  attributes:\n    service.name: f", [:], "f"),
      ("resource:\n  service_name: f", ["OTEL_RESOURCE_ATTRIBUTES": "service.name=e"], "e"),
      (nil, ["OTEL_RESOURCE_ATTRIBUTES": "service.name=e", "OTEL_SERVICE_NAME": "s"], "s"),
    ] as [(String?, [String: String], String)])
  func serviceName(yaml: String?, env: [String: String], expected: String) throws {
    let settings = try settings(yaml, env: env)
    #expect(settings.serviceName == expected)
    #expect(!settings.resourceAttributes.contains { $0.key == "service.name" })
  }
}
