// SPDX-License-Identifier: Apache-2.0
// What a scrape of many series costs, in each form of the page, and how long it keeps the store.

internal import Export
internal import Glibc
internal import Metrics

/// Five instruments, each with as many series as an instrument may have: three histograms of 24
/// buckets, a counter and a gauge, labelled as those of a container are.
struct ScrapeBench {
  private static let instruments = 5
  private let series: Int
  private let rounds = 9
  /// Each scrape lies between two SIGUSR1, at which Tests/native/malloc_count.c tells its count.
  private let isMarked: Bool
  private let store = MetricStore()

  init(_ options: BenchOptions) {
    series = options.count / ScrapeBench.instruments
    isMarked = options.mark
  }

  func run() {
    fill()
    var parts = 0.0
    for index in 0..<store.instrumentCount {
      parts += best { _ = store.snapshot(instrument: index) }
    }
    let whole = best { _ = store.snapshot(unixNanoseconds: 0) }
    print("\(store.seriesCount) series are copied in \(millis(whole)) ms under one lock,")
    print("  in \(millis(parts)) ms under one for each 128 of them")
    for format in PrometheusFormat.allCases {
      for isGzipped in [false, true] { scrape(format, isGzipped: isGzipped) }
    }
  }

  private func fill() {
    let shape = HistogramShape(scale: 3, offset: -184, zeroThreshold: 0x1p-23)
    for place in 0..<ScrapeBench.instruments {
      let kind: InstrumentKind = place < 3 ? .histogram : place == 3 ? .counter : .gauge
      let instrument = store.register(
        InstrumentDescriptor(
          name: "apus.bench.number\(place)", unit: kind == .histogram ? "s" : "By",
          help: "What is measured.", kind: kind, attributeKeys: ["error.type"]),
        shape: kind == .histogram ? shape : nil, seriesMax: series)
      for workload in 0..<series {
        guard
          let one = store.series(
            instrument, workload: UInt32(workload), attributes: ["ECONNREFUSED"],
            startUnixNanoseconds: 1_790_000_000_000_000_000)
        else { continue }
        set(one, kind, UInt32(workload))
      }
    }
  }

  private func set(_ one: SeriesID, _ kind: InstrumentKind, _ seed: UInt32) {
    switch kind {
    case .counter, .upDownCounter: store.set(Int64(seed) * 7919, of: one)
    case .gauge: store.set(gauge: Double(seed) / 3, of: one)
    case .histogram:
      var buckets = [UInt32](repeating: 0, count: HistogramShape.bucketsMax)
      for place in 0..<24 { buckets[80 + place] = (seed &* 31 &+ UInt32(place) * 17) % 1000 + 1 }
      store.update(
        one,
        HistogramReading(
          buckets: buckets.span, zero: 0, sumNanoseconds: UInt64(seed) * 1_234_567,
          minNanoseconds: nil, maxNanoseconds: nil))
    }
  }

  /// The whole of what the agent does for a scrape, but for the socket.
  private func scrape(_ format: PrometheusFormat, isGzipped: Bool) {
    let container = String(repeating: "0123456789abcdef", count: 4)
    let labels = (0..<series).map {
      LabelText.render(
        ["process.linux.cgroup", "container.id"], ["/kubepods/pod\($0)/\(container)", container])
    }
    var exposition = PrometheusExposition(targetLabels: [])
    var page = PrometheusPage()
    var buffer: [UInt8] = []
    let time = best {
      if isMarked { raise(SIGUSR1) }
      guard page.begin(in: buffer, isGzipped: isGzipped) else { return }
      buffer = []
      exposition.begin(format, to: &page.bytes)
      for index in 0..<store.instrumentCount {
        exposition.append(
          store.snapshot(instrument: index), at: index, format,
          workloadLabels: { labels[Int($0)] }, to: &page)
      }
      exposition.end(format, to: &page.bytes)
      buffer = page.finish()
      if isMarked { raise(SIGUSR1) }
    }
    print(
      "\(format)\(isGzipped ? " in gzip" : ""): \(millis(time)) ms,", "\(buffer.count >> 10) KiB")
  }

  /// The shortest time, in nanoseconds of this thread.
  private func best(_ body: () -> Void) -> Double {
    var best = UInt64.max
    for _ in 0..<rounds {
      let begin = threadNanoseconds()
      body()
      best = min(best, threadNanoseconds() - begin)
    }
    return Double(best)
  }

  private func millis(_ nanoseconds: Double) -> Double { (nanoseconds / 1e5).rounded() / 10 }
}
