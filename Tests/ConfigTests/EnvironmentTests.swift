// SPDX-License-Identifier: Apache-2.0
// OpenTelemetry's variables: what each means, and that a bad one is named and not fatal.

import Config
import Platform
import Testing

@Suite("variables of OpenTelemetry")
struct EnvironmentTests {
  static let warned: [(name: String, value: String, message: String)] = [
    (
      "OTEL_EXPORTER_OTLP_TIMEOUT", "10s",
      "env OTEL_EXPORTER_OTLP_TIMEOUT: \"10s\" is not a number of milliseconds; "
        + "write whole milliseconds from 0 to 86400000; the variable is ignored, the default is 10s"
    ),
    (
      "OTEL_EXPORTER_OTLP_TIMEOUT", "-1",
      "env OTEL_EXPORTER_OTLP_TIMEOUT: \"-1\" is not a number of milliseconds; "
        + "write whole milliseconds from 0 to 86400000; the variable is ignored, the default is 10s"
    ),
    (
      "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "soon",
      "env OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: \"soon\" is not a number of milliseconds; "
        + "write whole milliseconds from 0 to 86400000; the variable is ignored"
    ),
    (
      "OTEL_METRIC_EXPORT_INTERVAL", "0",
      "env OTEL_METRIC_EXPORT_INTERVAL: \"0\" is out of range; "
        + "write whole milliseconds from 100 to 86400000; "
        + "the variable is ignored, the default is 1m"
    ),
    (
      "OTEL_METRIC_EXPORT_INTERVAL", "1.5",
      "env OTEL_METRIC_EXPORT_INTERVAL: \"1.5\" is not a number of milliseconds; "
        + "write whole milliseconds from 100 to 86400000; "
        + "the variable is ignored, the default is 1m"
    ),
    (
      "OTEL_BLRP_SCHEDULE_DELAY", "99999999999",
      "env OTEL_BLRP_SCHEDULE_DELAY: \"99999999999\" is out of range; "
        + "write whole milliseconds from 0 to 3600000; the variable is ignored, the default is 1s"
    ),
    (
      "OTEL_EXPORTER_OTLP_COMPRESSION", "zstd",
      "env OTEL_EXPORTER_OTLP_COMPRESSION: \"zstd\" is not one of the choices; "
        + "write none or gzip; the variable is ignored, the default is none"
    ),
    (
      "OTEL_EXPORTER_OTLP_ENDPOINT", "unix:run/otel.sock",
      "env OTEL_EXPORTER_OTLP_ENDPOINT: \"unix:run/otel.sock\" has no absolute path; "
        + "write unix:///run/NAME.sock; the variable is ignored"
    ),
    (
      "OTEL_EXPORTER_OTLP_PROTOCOL", "grcp",
      "env OTEL_EXPORTER_OTLP_PROTOCOL: \"grcp\" is not one of the choices; "
        + "write http/protobuf, http/json or grpc (did you mean grpc?); "
        + "the variable is ignored, the default is http/protobuf"
    ),
    (
      "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "thrift",
      "env OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: \"thrift\" is not one of the choices; "
        + "write http/protobuf, http/json or grpc; the variable is ignored"
    ),
    (
      "OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector",
      "env OTEL_EXPORTER_OTLP_ENDPOINT: \"ftp://collector\" is none of http, https and unix; "
        + "write http://HOST:PORT or https://HOST:PORT, with a path if need be, or unix:///SOCKET; "
        + "the variable is ignored"
    ),
    (
      "OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318",
      "env OTEL_EXPORTER_OTLP_ENDPOINT: \"collector:4318\" has no http:// or https://; "
        + "write \"http://collector:4318\", or set the protocol to grpc; the variable is ignored"
    ),
    (
      "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://a b",
      "env OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: \"http://a b\" holds a character that no URL may; "
        + "write http://HOST:PORT or https://HOST:PORT, with a path if need be, or unix:///SOCKET; "
        + "the variable is ignored"
    ),
    (
      "OTEL_EXPORTER_OTLP_HEADERS", "authorization",
      "env OTEL_EXPORTER_OTLP_HEADERS: pair 1 has no '='; write key=value pairs; "
        + "the whole variable is ignored"
    ),
    (
      "OTEL_EXPORTER_OTLP_HEADERS", "a=1,=secret",
      "env OTEL_EXPORTER_OTLP_HEADERS: pair 2 has no key; write key=value pairs; "
        + "the whole variable is ignored"
    ),
    (
      "OTEL_EXPORTER_OTLP_HEADERS", "a=secret;meta=1",
      "env OTEL_EXPORTER_OTLP_HEADERS: pair 1 (\"a\") has metadata after ';'; "
        + "write %3B for a semicolon; the whole variable is ignored"
    ),
    (
      "OTEL_EXPORTER_OTLP_HEADERS", "a=100%",
      "env OTEL_EXPORTER_OTLP_HEADERS: pair 1 (\"a\") is not percent-encoded UTF-8; "
        + "write %25 for a percent sign; the whole variable is ignored"
    ),
    (
      "OTEL_EXPORTER_OTLP_HEADERS", "a=x%0d%0aEvil: y",
      "env OTEL_EXPORTER_OTLP_HEADERS: pair 1 (\"a\") holds a control character; remove it; "
        + "the whole variable is ignored"
    ),
    (
      "OTEL_RESOURCE_ATTRIBUTES", "a=1,b,c=3",
      "env OTEL_RESOURCE_ATTRIBUTES: pair 2 has no '='; write key=value pairs; "
        + "the whole variable is ignored"
    ),
    (
      "OTEL_RESOURCE_ATTRIBUTES", "a=1,b=%zz",
      "env OTEL_RESOURCE_ATTRIBUTES: pair 2 (\"b\") is not percent-encoded UTF-8; "
        + "write %25 for a percent sign; the whole variable is ignored"
    ),
    (
      "OTEL_RESOURCE_ATTRIBUTES", "a=%ff",
      "env OTEL_RESOURCE_ATTRIBUTES: pair 1 (\"a\") is not percent-encoded UTF-8; "
        + "write %25 for a percent sign; the whole variable is ignored"
    ),
    (
      "OTEL_RESOURCE_ATTRIBUTES", "a=b=c",
      "env OTEL_RESOURCE_ATTRIBUTES: pair 1 (\"a\") has a second '='; "
        + "write %3D for an equals sign; the whole variable is ignored"
    ),
    (
      "OTEL_LOGS_EXPORTER", "prometheus",
      "env OTEL_LOGS_EXPORTER: \"prometheus\" is not one of the choices; "
        + "write otlp, console or none; the variable is ignored"
    ),
    (
      "OTEL_METRICS_EXPORTER", "none,otlp",
      "env OTEL_METRICS_EXPORTER: \"none,otlp\" joins none with others; "
        + "write none alone, or leave it out; the variable is ignored"
    ),
    (
      "OTEL_SDK_DISABLED", "1",
      "env OTEL_SDK_DISABLED: \"1\" is not a boolean; write true or false; false is used"
    ),
    (
      "OTEL_LOG_LEVEL", "verbose",
      "env OTEL_LOG_LEVEL: \"verbose\" is not one of the choices; "
        + "write error, warn, info or debug; the variable is ignored, the default is info"
    ),
  ]

  @Test(
    "a bad variable is one warning with name, value, right form and what is used", arguments: warned
  )
  func warns(name: String, value: String, message: String) throws {
    #expect(try warnings([name: value]) == [message])
  }

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
    for row in OptionTable.rows { if let name = row.environment { all[name] = "" } }
    #expect(all.count >= 25)
    let settings = try settings(env: all)
    #expect(settings.warnings.isEmpty)
    #expect(settings.effective.allSatisfy { $0.entry == nil || $0.entry?.source == .fallback })
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
