// SPDX-License-Identifier: Apache-2.0

import Metrics
import Testing

@Suite("metric store")
struct MetricStoreTests {
  let store = MetricStore()

  private func counter(seriesMax: Int = 2000) -> InstrumentID {
    store.register(
      InstrumentDescriptor(
        name: "c", unit: "1", help: "h", kind: .counter, attributeKeys: ["a.b"]),
      seriesMax: seriesMax)
  }

  private func points() -> [MetricPoint] {
    store.snapshot(unixNanoseconds: 1).instruments[0].points
  }

  @Test("the same labels are the same series")
  func sameSeries() {
    let instrument = counter()
    let first = store.series(
      instrument, workload: 1, attributes: ["x"], startUnixNanoseconds: 10)
    let second = store.series(
      instrument, workload: 1, attributes: ["x"], startUnixNanoseconds: 99)
    #expect(first != nil && first == second)
    #expect(store.seriesCount == 1)
    #expect(points()[0].startUnixNanoseconds == 10)
    #expect(points()[0].labelText == Array(#"a_b="x""#.utf8))
  }

  @Test("what finds no room is refused, counted, and has a series of its own")
  func bound() throws {
    let instrument = counter(seriesMax: 2)
    for value in ["x", "y", "z", "w"] {
      let series =
        store.series(instrument, workload: 0, attributes: [value], startUnixNanoseconds: 1)
        ?? store.overflow(instrument, startUnixNanoseconds: 1)
      store.add(1, to: series)
    }
    #expect(store.refusedSeries == 2)
    let overflow = points().filter(\.isOverflow)
    #expect(points().count == 3 && overflow.count == 1)
    #expect(overflow[0].value == .integer(2))
    #expect(overflow[0].labelText == Array(#"otel_metric_overflow="true""#.utf8))
  }

  @Test("a removed series is gone, and comes back with a new start and no past")
  func removal() throws {
    let instrument = counter()
    let old = try #require(
      store.series(instrument, workload: 4, attributes: ["x"], startUnixNanoseconds: 1))
    store.add(7, to: old)
    store.removeAll(workload: 4)
    #expect(points().isEmpty)
    let new = try #require(
      store.series(instrument, workload: 4, attributes: ["x"], startUnixNanoseconds: 2))
    store.add(1, to: old)
    #expect(points().map(\.value) == [.integer(0)])
    #expect(points()[0].startUnixNanoseconds == 2)
    store.add(1, to: new)
    #expect(points().map(\.value) == [.integer(1)])
  }

  @Test(
    "what found no room is not ended with the agent's own series, and begins anew after its end")
  func overflowEnds() throws {
    let instrument = counter(seriesMax: 1)
    _ = store.series(instrument, workload: 0, attributes: ["x"], startUnixNanoseconds: 1)
    let overflow = store.overflow(instrument, startUnixNanoseconds: 1)
    store.removeAll(workload: 0)
    store.add(2, to: overflow)
    #expect(points().map(\.value) == [.integer(2)] && store.seriesCount == 1)
    store.remove(overflow)
    #expect(points().isEmpty && store.seriesCount == 0)
    store.add(3, to: store.overflow(instrument, startUnixNanoseconds: 5))
    #expect(points().map(\.value) == [.integer(3)])
    #expect(points().map(\.startUnixNanoseconds) == [5])
  }

  @Test("an observed counter is read when the snapshot is taken")
  func observed() throws {
    let counter = Counter()
    let series = try #require(
      store.series(self.counter(), workload: 0, attributes: ["x"], startUnixNanoseconds: 1))
    store.observe(counter, as: series)
    counter.add(5)
    #expect(points().map(\.value) == [.integer(5)])
    // OTLP's numbers have a sign.
    counter.add(.max - 5)
    #expect(points().map(\.value) == [.integer(.max)])
  }
}

@Suite("exponential histogram")
struct ExponentialHistogramTests {
  let shape = HistogramShape(scale: 3, offset: -184, zeroThreshold: 0x1p-23)

  private func update(
    _ histogram: inout ExponentialHistogram, _ counts: [Int: UInt32], zero: UInt32 = 0,
    min: UInt64? = 1
  ) {
    var buckets = [UInt32](repeating: 0, count: HistogramShape.bucketsMax)
    for (index, count) in counts { buckets[index] = count }
    histogram.update(
      HistogramReading(
        buckets: buckets.span, zero: zero, sumNanoseconds: 3_000_000_000,
        minNanoseconds: min, maxNanoseconds: 2_000_000_000))
  }

  @Test("counters that wrap go on counting in 64 bits")
  func wrap() {
    var histogram = ExponentialHistogram()
    var truth: UInt64 = 0
    for step in [0xffff_fff0, 0x20, 0x7fff_ffff, 0xffff_ffff, 0, 1] as [UInt64] {
      truth += step
      update(&histogram, [5: UInt32(truncatingIfNeeded: truth)], zero: 1)
    }
    let value = histogram.value(shape)
    #expect(value.counts == [truth])
    #expect(value.offset == -179)
    #expect(value.count == truth + 1 && value.zeroCount == 1)
  }

  @Test("empty ends are cut, holes stay")
  func trimmed() {
    var histogram = ExponentialHistogram()
    update(&histogram, [0: 1, 2: 2])
    #expect(histogram.value(shape).counts == [1, 0, 2])
    #expect(histogram.value(shape).offset == -184)
    update(&histogram, [0: 1, 2: 2, 256: 4])
    #expect(histogram.value(shape).counts.count == 257)
    #expect(histogram.value(shape).aboveCount == 4)
    #expect(histogram.value(shape).count == 7)
    #expect(histogram.value(shape).sum == 3)
    #expect(histogram.value(shape).min == 1e-9 && histogram.value(shape).max == 2)
  }

  @Test("an empty histogram has no extremes, which are not zero")
  func empty() {
    var histogram = ExponentialHistogram()
    update(&histogram, [:])
    let value = histogram.value(shape)
    #expect(value.count == 0 && value.counts.isEmpty)
    #expect(value.min == nil && value.max == nil)
  }
}
