// SPDX-License-Identifier: Apache-2.0
// Limits that apply when they are set, and the variables that are no option: what each does.

@testable import Config
import Testing

@Suite("limits and other variables")
struct LimitTests {
  @Test("without a word there is no limit")
  func unset() throws {
    let limits = try settings().limits
    #expect(limits.queueRecords == nil && limits.batchRecords == nil)
    #expect(limits.logsExportMilliseconds == nil && limits.metricsExportMilliseconds == nil)
    #expect(limits.attributeCharacters == nil)
  }

  @Test("each variable of a limit sets it")
  func variables() throws {
    let limits = try settings(env: [
      "OTEL_BLRP_MAX_QUEUE_SIZE": "2048", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "512",
      "OTEL_BLRP_EXPORT_TIMEOUT": "30000", "OTEL_METRIC_EXPORT_TIMEOUT": "0",
      "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT": "256",
      "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "512",
    ]).limits
    #expect(
      limits
        == Settings.RecordLimits(
          queueRecords: 2048, batchRecords: 512, logsExportMilliseconds: 30_000,
          metricsExportMilliseconds: 0, attributeCharacters: 256))
  }

  @Test("the general limit of attributes counts where that of log records is not set, or is wrong")
  func general() throws {
    let general = "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"
    let special = "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT"
    #expect(try settings(env: [general: "9"]).limits.attributeCharacters == 9)
    #expect(try settings(env: [general: "9", special: "x"]).limits.attributeCharacters == 9)
    #expect(try settings(env: [general: "9", special: ""]).limits.attributeCharacters == 9)
  }

  @Test("a batch has no more records than the queue")
  func batchAndQueue() throws {
    let queue = "OTEL_BLRP_MAX_QUEUE_SIZE"
    #expect(try settings(env: [queue: "100"]).limits.batchRecords == 25)
    let both = try settings("limits: { queue_records: 100, batch_records: 200 }")
    #expect(both.limits.batchRecords == 100 && both.warnings.count == 1)
  }

  @Test(
    "the variables of the Prometheus exporter say where to listen, unless listen does",
    arguments: [
      (nil, "1234", nil, "127.0.0.1:1234"), ("localhost", nil, nil, "127.0.0.1:9464"),
      ("0.0.0.0", nil, nil, "0.0.0.0:9464"), ("::", "80", nil, "[::]:80"),
      ("[::1]", "0", nil, "[::1]:0"), ("LOCALHOST", "1", nil, "127.0.0.1:1"),
      ("bad.example", "1", nil, "127.0.0.1:1"), ("1.2.3.4", "bad", nil, "1.2.3.4:9464"),
      ("0.0.0.0", "1234", "listen: 127.0.0.2:9", "127.0.0.2:9"),
      ("0.0.0.0", "1", "listen: off", nil),
      ("", "", nil, "127.0.0.1:9464"),
    ] as [(String?, String?, String?, String?)])
  func prometheus(host: String?, port: String?, yaml: String?, address: String?) throws {
    var env: [String: String] = [:]
    env["OTEL_EXPORTER_PROMETHEUS_HOST"] = host
    env["OTEL_EXPORTER_PROMETHEUS_PORT"] = port
    #expect(try settings(yaml, env: env).listen?.description == address)
  }

  @Test("a flag wins over where Prometheus scrapes")
  func flag() throws {
    let settings = try settings(
      env: ["OTEL_EXPORTER_PROMETHEUS_PORT": "1"], flags: [.listen: .listen(nil)])
    #expect(settings.listen == nil)
  }

  @Test(
    "what is known and has no effect is a note, and no warning",
    arguments: [
      ("OTEL_BSP_SCHEDULE_DELAY", "5000"), ("OTEL_BSP_EXPORT_TIMEOUT", "30000"),
      ("OTEL_BSP_MAX_QUEUE_SIZE", "2048"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "512"),
      ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1"), ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1"),
      ("OTEL_SPAN_EVENT_COUNT_LIMIT", "1"), ("OTEL_SPAN_LINK_COUNT_LIMIT", "1"),
      ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "1"), ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "1"),
      ("OTEL_METRICS_EXEMPLAR_FILTER", "always_off"), ("OTEL_PROPAGATORS", "tracecontext,b3"),
      ("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.5"),
    ])
  func notes(name: String, value: String) throws {
    let settings = try settings(env: [name: value])
    #expect(settings.warnings.isEmpty)
    #expect(settings.notes.count == 1 && settings.notes[0].hasPrefix("\(name) has no effect: "))
  }

  @Test("a limit on the number of attributes is kept where no record reaches it")
  func counts() throws {
    for name in ["OTEL_ATTRIBUTE_COUNT_LIMIT", "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT"] {
      #expect(try settings(env: [name: "128"]).warnings.isEmpty)
      #expect(try settings(env: [name: "63"]).warnings.count == 1)
    }
    // That of log records wins.
    let both = [
      "OTEL_ATTRIBUTE_COUNT_LIMIT": "1", "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "128",
    ]
    #expect(try settings(env: both).warnings.isEmpty)
  }

  @Test("a variable of the exporter that is not known is a note")
  func unknown() {
    let reading = ConfigReading(
      yaml: nil, fileName: "", environment: { _ in nil },
      variables: ["OTEL_EXPORTER_OTLP_SOMETHING_ELSE_ALTOGETHER"])
    #expect(reading.warnings.isEmpty)
    #expect(reading.settings?.notes.count == 1)
  }
}
