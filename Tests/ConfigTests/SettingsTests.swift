// SPDX-License-Identifier: Apache-2.0
// Defaults, precedence, and the printed configuration.

@testable import Config
import Platform
import Testing

@Suite("effective settings")
struct SettingsTests {
  @Test("every key has exactly one row, and the defaults are these")
  func defaults() throws {
    #expect(OptionTable.rows.map(\.key) == OptionKey.allCases)
    let settings = try settings()
    #expect(settings.exec == Settings.Exec(enabled: true, args: .redacted, failed: true))
    #expect(settings.runqlat == Settings.Runqlat(enabled: true, cgroupsMax: 256))
    #expect(
      settings.buffers
        == Settings.Buffers(
          preference: .auto, ringBytes: 1 << 20, wakeLatencyMilliseconds: 100))
    for measured in [settings.tcpconnect, settings.tcpretrans, settings.biolatency] {
      #expect(measured == Settings.Measured(enabled: true, histogramsMax: 256))
    }
    #expect(settings.socketsMax == 16_384)
    #expect(settings.export.logs == SignalSettings(destination: nil, console: false))
    #expect(settings.export.metrics == SignalSettings(destination: nil, console: false))
    #expect(settings.export.traces == SignalSettings(destination: nil, console: false))
    #expect(settings.export.maxRequestBytes == 64 << 20)
    #expect(settings.export.queueBytes == 4 << 20)
    #expect(settings.export.batchBytes == 512 << 10)
    #expect(settings.export.scheduleDelayMilliseconds == 1000)
    #expect(settings.metricsIntervalMilliseconds == 60_000)
    #expect(
      settings.metricForm == MetricForm(temporality: .cumulative, histogram: .exponential))
    #expect(settings.otlpFile == nil)
    #expect(settings.fileRotation == FileRotation(bytesMax: 100 << 20, filesMax: 3))
    #expect(settings.listen == ListenAddress(address: "127.0.0.1", port: 9464))
    #expect(
      settings.http == Settings.HTTP(certificate: nil, key: nil, token: nil, tokenFile: nil))
    #expect(
      settings.prometheus
        == Settings.Prometheus(bucketsPerPower: 1, created: false, scopeLabels: false))
    #expect(settings.serviceName == "apus")
    #expect(settings.resourceAttributes.isEmpty)
    #expect(settings.logLevel == .info)
    #expect(settings.logFormat == .text)
    #expect(settings.warnings.isEmpty)
  }

  @Test("a flag wins over a variable, a variable over the file, the file over the default")
  func precedence() throws {
    let file = "log:\n  level: error"
    let env = ["OTEL_LOG_LEVEL": "warn"]
    let flags: [OptionKey: Value] = [.logLevel: .choice("debug")]
    func source(_ settings: Settings) -> String? {
      settings.effective.first { $0.row.key == .logLevel }?.entry?.source.description
    }
    let one = try settings()
    #expect(one.logLevel == .info)
    #expect(source(one) == "default")
    let two = try settings(file)
    #expect(two.logLevel == .error)
    #expect(source(two) == "apus.yaml:2")
    let three = try settings(file, env: env)
    #expect(three.logLevel == .warn)
    #expect(source(three) == "env OTEL_LOG_LEVEL")
    let four = try settings(file, env: env, flags: flags)
    #expect(four.logLevel == .debug)
    #expect(source(four) == "flag --log-level")
  }

  @Test("a file may set everything")
  func wholeFile() throws {
    let yaml = """
      exec: { enabled: false, args: none, failed: false }
      runqlat: { enabled: false, cgroups: 16 }
      tcpconnect: { enabled: false, histograms: 16 }
      tcpretrans: { enabled: false, histograms: 17 }
      biolatency: { enabled: false, histograms: 4096 }
      sockets: { max: 1024 }
      buffer: perf
      buffers: { ring: 64KiB, wake_latency: 1ms }
      export:
        enabled: true
        queue: 1MiB
        batch_bytes: 64KiB
        schedule_delay: 500ms
        logs: { exporter: [console] }
        metrics: { exporter: "otlp,prometheus", insecure: true }
      metrics:
        { interval: 2m, temporality: delta, histogram: explicit_bucket_histogram }
      file: { path: "-", max_bytes: 64KiB, max_files: 7 }
      listen: "[::1]:0"
      resource: { service_name: node, attributes: { a: 1, b: "x y" } }
      log: { level: warn, format: json }
      """
    let settings = try settings(yaml)
    #expect(settings.exec == Settings.Exec(enabled: false, args: .none, failed: false))
    #expect(settings.runqlat == Settings.Runqlat(enabled: false, cgroupsMax: 16))
    #expect(settings.tcpconnect == Settings.Measured(enabled: false, histogramsMax: 16))
    #expect(settings.tcpretrans == Settings.Measured(enabled: false, histogramsMax: 17))
    #expect(settings.biolatency == Settings.Measured(enabled: false, histogramsMax: 4096))
    #expect(settings.socketsMax == 1024)
    #expect(
      settings.buffers
        == Settings.Buffers(preference: .perf, ringBytes: 65_536, wakeLatencyMilliseconds: 1))
    #expect(settings.export.traces == SignalSettings(destination: nil, console: false))
    #expect(settings.export.maxRequestBytes == 64 << 20)
    #expect(settings.export.queueBytes == 1 << 20)
    #expect(settings.export.logs.console)
    #expect(settings.export.metrics.destination?.url == "http://localhost:4318/v1/metrics")
    #expect(settings.metricsIntervalMilliseconds == 120_000)
    #expect(settings.metricForm == MetricForm(temporality: .delta, histogram: .explicit))
    #expect(settings.otlpFile == "-")
    #expect(settings.fileRotation == FileRotation(bytesMax: 65_536, filesMax: 7))
    #expect(settings.listen == ListenAddress(address: "::1", port: 0))
    #expect(settings.serviceName == "node")
    #expect(settings.resourceAttributes == [Pair("a", "1"), Pair("b", "x y")])
    #expect(settings.logFormat == .json)
  }

  @Test("listen: off means no listener")
  func listenOff() throws {
    #expect(try settings("listen: off").listen == nil)
  }

  @Test("the printed configuration names each source and hides header values")
  func printed() throws {
    let text = try settings(
      "export:\n  headers: { authorization: Bearer secret }\nlisten: off",
      env: ["OTEL_METRIC_EXPORT_INTERVAL": "1500"]
    ).printed()
    #expect(text.contains("exec:\n  enabled: true  # default\n  args: redacted  # default\n"))
    #expect(text.contains("  headers: { \"authorization\": \"***\" }  # apus.yaml:2\n"))
    #expect(text.contains("listen: off  # apus.yaml:3\n"))
    #expect(text.contains("metrics:\n  interval: 1500ms  # env OTEL_METRIC_EXPORT_INTERVAL\n"))
    #expect(text.contains("  logs:\n    # exporter: not set\n"))
    #expect(!text.contains("secret"))
  }

  @Test("what is printed is read back as the same settings")
  func roundTrip() throws {
    let first = try settings(
      "export: { queue: 2MiB, logs: { exporter: [otlp, console] } }\n"
        + "resource: { attributes: { quote: 'a\"\\b', tab: \"\\t\" } }")
    let second = try settings(first.printed())
    #expect(first.effective.map(\.entry?.value) == second.effective.map(\.entry?.value))
    #expect(second.printed().contains("queue: 2MiB"))
  }
}
