// SPDX-License-Identifier: Apache-2.0

import Glibc
import Metrics
import Testing

@testable import Export

private let shape = HistogramShape(scale: 3, offset: -184, zeroThreshold: 0x1p-23)

/// A whole page, as the agent makes it.
func rendered(
  _ snapshot: MetricSnapshot, _ exposition: inout PrometheusExposition, _ format: PrometheusFormat,
  gzipped: Bool = false, workload: String = ""
) -> [UInt8] {
  var page = PrometheusPage()
  let begun = page.begin(in: [], isGzipped: gzipped)
  #expect(begun)
  exposition.begin(format, to: &page.bytes)
  for (index, instrument) in snapshot.instruments.enumerated() {
    exposition.append(
      instrument, at: index, format, workloadLabels: { _ in Array(workload.utf8) }, to: &page)
  }
  exposition.end(format, to: &page.bytes)
  return page.finish()
}

/// One series of each kind, with every character that must be escaped.
func sample() -> MetricSnapshot {
  let store = MetricStore()
  func descriptor(
    _ name: String, _ unit: String, _ kind: InstrumentKind, _ keys: [String] = []
  ) -> InstrumentDescriptor {
    InstrumentDescriptor(
      name: name, unit: unit, help: "A \\ and a\nline.", kind: kind, attributeKeys: keys)
  }
  func only(_ instrument: InstrumentID, _ attributes: [String] = []) -> SeriesID {
    store.series(instrument, workload: 0, attributes: attributes, startUnixNanoseconds: 1)
      ?? store.overflow(instrument, startUnixNanoseconds: 1)
  }
  let executions = store.register(
    descriptor("apus.process.executions", "{execution}", .counter, ["error.type"]))
  store.add(23, to: only(executions, ["a\"b\\c\nd"]))
  store.set(5, of: only(store.register(descriptor("apus.queue.usage", "By", .upDownCounter))))
  store.set(
    gauge: .infinity, of: only(store.register(descriptor("apus.queue.fill", "1", .gauge))))
  _ = only(store.register(descriptor("apus.never.set", "s", .gauge)))
  let latency = store.register(
    descriptor("apus.cpu.runqueue.latency", "s", .histogram), shape: shape)
  var buckets = [UInt32](repeating: 0, count: HistogramShape.bucketsMax)
  // The indices -9 and -8 lie on both sides of 2^-1 s, bucket 247 ends at 256 s, the last nowhere.
  (buckets[184 - 9], buckets[184 - 8], buckets[247], buckets[256]) = (3, 4, 1, 6)
  store.update(
    only(latency),
    HistogramReading(
      buckets: buckets.span, zero: 2, sumNanoseconds: 2_500_000_000,
      minNanoseconds: nil, maxNanoseconds: nil))
  return store.snapshot(unixNanoseconds: 9)
}

private func page(
  _ exponents: ClosedRange<Int>, _ format: PrometheusFormat = .text, perPower: Int = 1,
  created: Bool = false
) -> String {
  var options = PrometheusOptions()
  options.leExponents = exponents
  options.bucketsPerPower = perPower
  options.hasCreated = created
  var exposition = PrometheusExposition(
    targetLabels: Array(#"service_name="apus""#.utf8), options: options)
  return String(decoding: rendered(sample(), &exposition, format), as: UTF8.self)
}

@Suite("Prometheus exposition")
struct PrometheusTests {
  @Test("the page is golden")
  func golden() {
    #expect(
      page(-1...8) == #"""
        # HELP target_info Attributes of the agent and its host.
        # TYPE target_info gauge
        target_info{service_name="apus"} 1
        # HELP apus_process_executions_total A \\ and a\nline.
        # TYPE apus_process_executions_total counter
        apus_process_executions_total{error_type="a\"b\\c\nd"} 23
        # HELP apus_queue_usage_bytes A \\ and a\nline.
        # TYPE apus_queue_usage_bytes gauge
        apus_queue_usage_bytes 5
        # HELP apus_queue_fill_ratio A \\ and a\nline.
        # TYPE apus_queue_fill_ratio gauge
        apus_queue_fill_ratio +Inf
        # HELP apus_cpu_runqueue_latency_seconds A \\ and a\nline.
        # TYPE apus_cpu_runqueue_latency_seconds histogram
        apus_cpu_runqueue_latency_seconds_bucket{le="0.5"} 5
        apus_cpu_runqueue_latency_seconds_bucket{le="1.0"} 9
        apus_cpu_runqueue_latency_seconds_bucket{le="2.0"} 9
        apus_cpu_runqueue_latency_seconds_bucket{le="4.0"} 9
        apus_cpu_runqueue_latency_seconds_bucket{le="8.0"} 9
        apus_cpu_runqueue_latency_seconds_bucket{le="16.0"} 9
        apus_cpu_runqueue_latency_seconds_bucket{le="32.0"} 9
        apus_cpu_runqueue_latency_seconds_bucket{le="64.0"} 9
        apus_cpu_runqueue_latency_seconds_bucket{le="128.0"} 9
        apus_cpu_runqueue_latency_seconds_bucket{le="256.0"} 10
        apus_cpu_runqueue_latency_seconds_bucket{le="+Inf"} 16
        apus_cpu_runqueue_latency_seconds_sum 2.5
        apus_cpu_runqueue_latency_seconds_count 16

        """#)
  }

  @Test("OpenMetrics is golden")
  func openMetrics() {
    #expect(
      page(0...1, .openMetrics, created: true) == #"""
        # HELP target Attributes of the agent and its host.
        # TYPE target info
        target_info{service_name="apus"} 1
        # TYPE apus_process_executions counter
        # HELP apus_process_executions A \\ and a\nline.
        apus_process_executions_total{error_type="a\"b\\c\nd"} 23
        apus_process_executions_created{error_type="a\"b\\c\nd"} 1e-09
        # TYPE apus_queue_usage_bytes gauge
        # UNIT apus_queue_usage_bytes bytes
        # HELP apus_queue_usage_bytes A \\ and a\nline.
        apus_queue_usage_bytes 5
        # TYPE apus_queue_fill_ratio gauge
        # UNIT apus_queue_fill_ratio ratio
        # HELP apus_queue_fill_ratio A \\ and a\nline.
        apus_queue_fill_ratio +Inf
        # TYPE apus_cpu_runqueue_latency_seconds histogram
        # UNIT apus_cpu_runqueue_latency_seconds seconds
        # HELP apus_cpu_runqueue_latency_seconds A \\ and a\nline.
        apus_cpu_runqueue_latency_seconds_bucket{le="1.0"} 9
        apus_cpu_runqueue_latency_seconds_bucket{le="2.0"} 9
        apus_cpu_runqueue_latency_seconds_bucket{le="+Inf"} 16
        apus_cpu_runqueue_latency_seconds_sum 2.5
        apus_cpu_runqueue_latency_seconds_count 16
        apus_cpu_runqueue_latency_seconds_created 1e-09
        # EOF

        """#)
    #expect(!page(0...1, .openMetrics).contains("_created"))
    #expect(!page(0...1, .text, created: true).contains("_created"))
  }

  @Test("a page that is compressed as it comes is the same page", .timeLimit(.minutes(1)))
  func gzipped() throws {
    var exposition = PrometheusExposition(targetLabels: [])
    let large = MetricSnapshot(
      unixNanoseconds: 9,
      instruments: (0..<1000).flatMap { _ in sample().instruments })
    let plain = rendered(large, &exposition, .text)
    let small = rendered(large, &exposition, .text, gzipped: true)
    #expect(plain.count > 1 << 20 && small.count < plain.count / 10)
    let path = "/tmp/apus-page-\(getpid())"
    defer { unlink(path) }
    let file = try #require(fopen(path, "w"))
    fwrite(small, 1, small.count, file)
    fclose(file)
    let pipe = try #require(popen("gzip --decompress --stdout \(path)", "r"))
    var unpacked = [UInt8](repeating: 0, count: plain.count + 1)
    let count = fread(&unpacked, 1, unpacked.count, pipe)
    #expect(pclose(pipe) == 0)
    #expect(Array(unpacked[..<count]) == plain)
  }

  @Test(
    "promtool finds nothing to say",
    .enabled(if: access("/usr/bin/promtool", X_OK) == 0, "needs promtool"))
  func promtool() throws {
    let pipe = try #require(popen("/usr/bin/promtool check metrics >/tmp/apus-promtool 2>&1", "w"))
    fputs(page(-20...5), pipe)
    #expect(pclose(pipe) == 0)
    let file = try #require(fopen("/tmp/apus-promtool", "r"))
    #expect(fgetc(file) == EOF, "promtool is silent")
    fclose(file)
    unlink("/tmp/apus-promtool")
  }

  @Test("a second page differs in nothing, with headers that were kept")
  func twice() {
    var exposition = PrometheusExposition(targetLabels: [])
    for format in PrometheusFormat.allCases {
      let first = rendered(sample(), &exposition, format)
      #expect(rendered(sample(), &exposition, format) == first)
    }
  }

  @Test("workload labels come before the series' own")
  func workloadLabels() {
    var exposition = PrometheusExposition(targetLabels: [], commonLabels: Array(#"a="1""#.utf8))
    let page = rendered(sample(), &exposition, .text, workload: #"pod="x""#)
    let text = String(decoding: page, as: UTF8.self)
    #expect(text.contains(#"apus_process_executions_total{a="1",pod="x",error_type="#))
    #expect(text.contains(#"_bucket{a="1",pod="x",le="1.0"} 9"#))
  }

  @Test(
    "names follow OpenTelemetry's rules",
    arguments: [
      ("process.cpu.time", "s", InstrumentKind.counter, "process_cpu_time_seconds_total"),
      ("system.memory.utilization", "1", .gauge, "system_memory_utilization_ratio"),
      ("system.network.io", "By", .counter, "system_network_io_bytes_total"),
      ("system.memory.usage", "By", .upDownCounter, "system_memory_usage_bytes"),
      ("apus.ratio.of.it", "1", .gauge, "apus_of_it_ratio"),
      ("apus.total.packets", "{packet}", .counter, "apus_packets_total"),
      ("apus.io.rate", "By/s", .gauge, "apus_io_rate_bytes_per_second"),
      ("a..b-c", "", .gauge, "a_b_c"), ("5xx", "1", .counter, "_5xx_total"),
      ("latency.seconds", "s", .histogram, "latency_seconds"),
      ("gpu.heat", "Cel", .gauge, "gpu_heat_celsius"), ("x", "1/s", .gauge, "x_per_second"),
    ])
  func names(_ row: (String, String, InstrumentKind, String)) {
    let descriptor = InstrumentDescriptor(name: row.0, unit: row.1, help: "", kind: row.2)
    #expect(PrometheusNames.family(descriptor) == row.3)
  }
}
