// SPDX-License-Identifier: Apache-2.0
// What an export of many series costs, as totals and as deltas: its time, and memory at most.

internal import CBench
internal import Glibc
internal import Metrics
internal import OTLP

/// Six in ten series are histograms with counts in all buckets, which is the most one can take.
///
/// The others are counters. Ten are of a workload.
struct ExportBench {
  private let series: Int
  private let exports = 5
  private let store = MetricStore()
  private let shape = HistogramShape(scale: 3, offset: -184, zeroThreshold: 0x1p-23)

  init(_ options: BenchOptions) { series = options.count }

  func run() {
    let instruments = [InstrumentKind.histogram, .counter].map { kind in
      store.register(
        InstrumentDescriptor(
          name: "apus.bench.\(kind)", unit: "s", help: "What is measured.", kind: kind,
          attributeKeys: ["error.type"]),
        shape: kind == .histogram ? shape : nil, seriesMax: series)
    }
    let places = 0..<series
    let ids = places.compactMap { place in
      store.series(
        instruments[place % 10 < 6 ? 0 : 1], workload: UInt32(place / 10),
        attributes: ["\(place % 10)"], startUnixNanoseconds: 1)
    }
    for choice in [Temporality.cumulative, .delta] { export(ids, choice) }
  }

  private func export(_ ids: [SeriesID], _ temporality: Temporality) {
    var deltas = SeriesDeltas(TemporalityChoice(counters: temporality, histograms: temporality))
    var builder = MetricBatchBuilder(
      pool: ArenaPool(arenaSize: 1 << 20, idleMax: 1), scope: Scope(name: "apus", version: "1"))
    let resource = EncodedResource(message: [])
    let atFirst = heapBytes()
    var (most, shortest) = (0, UInt64.max)
    for export in 1...exports {
      feed(ids, UInt32(export))
      let before = heapBytes()
      // What the first one leaves is told by itself.
      func look() { if export > 1 { most = max(most, heapBytes() - before) } }
      let begin = threadNanoseconds()
      store.forEachPart(unixNanoseconds: UInt64(export)) { part in
        let told = deltas.advance(to: part)
        look()
        builder.append(told, resource: { _ in resource }, emit: { _ in look() })
      }
      deltas.endRound()
      _ = builder.finish { _ in look() }
      shortest = min(shortest, threadNanoseconds() - begin)
    }
    print(
      "\(ids.count) series, \(temporality): \(tenths(Double(shortest) / 1e6)) ms,",
      "\((heapBytes() - atFirst) >> 10) KiB are kept, and \(most >> 10) KiB more during an export,",
      "the batch included")
    _ = consume deltas
  }

  private func feed(_ ids: [SeriesID], _ round: UInt32) {
    let buckets = [UInt32](repeating: round, count: HistogramShape.bucketsMax)
    for (place, id) in ids.enumerated() {
      if place % 10 < 6 {
        store.update(
          id,
          HistogramReading(
            buckets: buckets.span, zero: round, sumNanoseconds: UInt64(round), minNanoseconds: 1,
            maxNanoseconds: 2))
      } else {
        store.set(Int64(round), of: id)
      }
    }
  }

  private func heapBytes() -> Int { Int(cbench_heap_bytes()) }
}
