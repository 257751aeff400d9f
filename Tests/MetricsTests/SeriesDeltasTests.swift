// SPDX-License-Identifier: Apache-2.0
// Deltas: they add up to what the store counted, and their intervals touch.

import Metrics
import Testing

private let delta = TemporalityChoice(counters: .delta, histograms: .delta)

@Suite("deltas of series")
struct SeriesDeltasTests {
  private let store = MetricStore()
  private let counter: InstrumentID
  private let queue: InstrumentID
  private let load: InstrumentID
  private let latency: InstrumentID

  init() {
    func descriptor(_ name: String, _ kind: InstrumentKind) -> InstrumentDescriptor {
      InstrumentDescriptor(
        name: name, unit: "1", help: "h", kind: kind, attributeKeys: kind == .counter ? ["k"] : [])
    }
    counter = store.register(descriptor("counter", .counter), seriesMax: 4)
    queue = store.register(descriptor("queue", .upDownCounter))
    load = store.register(descriptor("load", .gauge))
    latency = store.register(
      descriptor("latency", .histogram),
      shape: HistogramShape(scale: 3, offset: -184, zeroThreshold: 0x1p-23))
  }

  private func series(_ key: String, workload: UInt32 = 0, start: UInt64 = 5) -> SeriesID {
    store.series(counter, workload: workload, attributes: [key], startUnixNanoseconds: start)
      ?? store.overflow(counter, startUnixNanoseconds: start)
  }

  private func feed(
    _ id: SeriesID, _ buckets: [UInt32], zero: UInt32, sum: UInt64
  ) {
    store.update(
      id,
      HistogramReading(
        buckets: buckets.span, zero: zero, sumNanoseconds: sum, minNanoseconds: 1, maxNanoseconds: 9
      ))
  }

  private func points(_ snapshot: MetricSnapshot, _ name: String) -> [MetricPoint] {
    snapshot.instruments.first { $0.descriptor.name == name }?.points ?? []
  }

  @Test("a counter's points add up, touch, and are left out when nothing was counted")
  func counters() {
    var deltas = SeriesDeltas(delta)
    let id = series("x")
    store.add(7, to: id)
    var seen: [MetricPoint] = []
    for (time, amount) in [(10, 0), (20, 5), (30, 0), (40, 0), (50, 1)] as [(UInt64, Int64)] {
      store.add(amount, to: id)
      let snapshot = deltas.advance(to: store.snapshot(unixNanoseconds: time))
      #expect(snapshot.instruments[0].temporality == .delta)
      seen += points(snapshot, "counter")
    }
    #expect(seen.map(\.value) == [.integer(7), .integer(5), .integer(1)])
    // The second was taken at 20, so the third tells of all the time since.
    #expect(seen.map(\.startUnixNanoseconds) == [5, 10, 20])
  }

  @Test("sums that go both ways and gauges stay as they are, and lowmemory leaves counters so")
  func kinds() {
    var deltas = SeriesDeltas(delta)
    var lowmemory = SeriesDeltas(TemporalityChoice(counters: .cumulative, histograms: .delta))
    guard let size = store.series(queue, workload: 0, startUnixNanoseconds: 5),
      let gauge = store.series(load, workload: 0, startUnixNanoseconds: 5)
    else { return #expect(Bool(false)) }
    for time in [10, 20] as [UInt64] {
      store.add(3, to: series("x"))
      store.set(-2, of: size)
      store.set(gauge: 0.5, of: gauge)
      let snapshot = store.snapshot(unixNanoseconds: time)
      let told = deltas.advance(to: snapshot)
      #expect(points(told, "queue").map(\.value) == [.integer(-2)])
      #expect(points(told, "queue").map(\.startUnixNanoseconds) == [5])
      #expect(points(told, "load").map(\.value) == [.double(0.5)])
      #expect(points(told, "counter").map(\.value) == [.integer(3)])
      #expect(
        told.instruments.map(\.temporality) == [.delta, .cumulative, .cumulative, .delta])
      let low = lowmemory.advance(to: snapshot)
      #expect(points(low, "counter").map(\.value) == [.integer(Int64(time / 10 * 3))])
      #expect(
        low.instruments.map(\.temporality) == [.cumulative, .cumulative, .cumulative, .delta])
    }
  }

  @Test("histograms add up bucket by bucket, whatever grows between two points")
  func histograms() throws {
    var generator = SystemRandomNumberGenerator()
    let id = try #require(store.series(latency, workload: 0, startUnixNanoseconds: 5))
    var deltas = SeriesDeltas(delta)
    var buckets = [UInt32](repeating: 0, count: HistogramShape.bucketsMax)
    var (zero, sum): (UInt32, UInt64) = (0, 0)
    var total = [UInt64](repeating: 0, count: HistogramShape.bucketsMax)
    var (count, zeros, beyond, nanoseconds): (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    var end: UInt64 = 5
    for turn in 1...200 as ClosedRange<UInt64> {
      for _ in 0..<Int.random(in: 0...3, using: &generator) {
        // Counters of 32 bits that wrap now and then.
        buckets[Int.random(in: 0...256, using: &generator)] &+= .random(in: 0...(.max / 3))
        zero &+= .random(in: 0...2)
        sum += .random(in: 0...1_000_000_000_000)
      }
      buckets[256] &+= .random(in: 0...1)
      feed(id, buckets, zero: zero, sum: sum)
      let told = points(deltas.advance(to: store.snapshot(unixNanoseconds: turn * 10)), "latency")
      guard let point = told.first, case .histogram(let value) = point.value else { continue }
      #expect(point.startUnixNanoseconds == end)
      end = turn * 10
      #expect(value.count == value.zeroCount + value.counts.reduce(0, +) && value.count > 0)
      #expect(value.min == nil && value.max == nil)
      #expect(value.counts.first != 0 && value.counts.last != 0)
      for (index, count) in value.counts.enumerated() {
        total[Int(value.offset) + 184 + index] += count
      }
      count += value.count
      zeros += value.zeroCount
      beyond += value.aboveCount
      nanoseconds += value.sumNanoseconds
    }
    let last = store.snapshot(unixNanoseconds: 1)
    guard case .histogram(let whole) = points(last, "latency")[0].value else { return }
    let first = Int(whole.offset) + 184
    #expect(Array(total[first..<first + whole.counts.count]) == whole.counts)
    #expect(total.reduce(0, +) + zeros == whole.count && count == whole.count)
    #expect(zeros == whole.zeroCount && beyond == whole.aboveCount)
    #expect(nanoseconds == whole.sumNanoseconds)
  }

  @Test("a series that ends tells the rest, and one that comes back begins anew")
  func ends() {
    var deltas = SeriesDeltas(delta)
    store.add(7, to: series("x", workload: 4))
    store.add(2, to: series("x", workload: 5))
    _ = deltas.advance(to: store.snapshot(unixNanoseconds: 10))
    store.add(3, to: series("x", workload: 4))
    store.add(1, to: series("x", workload: 5))
    var last: [MetricPoint] = []
    store.forEachPart(unixNanoseconds: 20) { workload, _ in
      workload == 4
    } _: { part in
      last += points(deltas.end(part), "counter")
    }
    #expect(last.map(\.value) == [.integer(3)] && last.map(\.startUnixNanoseconds) == [10])
    #expect(deltas.count == 1)
    store.removeAll(workload: 4)
    store.add(1, to: series("x", workload: 4, start: 25))
    let told = points(deltas.advance(to: store.snapshot(unixNanoseconds: 30)), "counter")
    #expect(Set(told.map(\.workload)) == [4, 5])
    for point in told {
      #expect(point.value == .integer(1))
      #expect(point.startUnixNanoseconds == (point.workload == 4 ? 25 : 10))
    }
  }

  @Test("series that are gone are forgotten, so no more are kept than the store has")
  func bound() {
    var deltas = SeriesDeltas(delta)
    for turn in 0..<100 as Range<UInt64> {
      for key in 0..<6 { store.add(1, to: series("\(key)", workload: UInt32(turn))) }
      let told = deltas.advance(to: store.snapshot(unixNanoseconds: turn))
      // Four have a series of their own, the other two share one.
      deltas.endRound()
      #expect(points(told, "counter").map(\.value).count == 5)
      #expect(deltas.count == 5)
      store.removeAll(workload: UInt32(turn))
    }
  }

  @Test("a series without news is remembered, and one that a round did not have is forgotten")
  func rounds() {
    var deltas = SeriesDeltas(delta)
    let ids = (0..<3).map { series("\($0)", workload: UInt32($0)) }
    for id in ids { store.add(1, to: id) }
    for turn in 0..<3 as Range<UInt64> {
      var told = 0
      store.forEachPart(unixNanoseconds: turn) { part in
        told += points(deltas.advance(to: part), "counter").count
      }
      deltas.endRound()
      #expect(told == (turn == 0 ? 3 : 0) && deltas.count == 3)
    }
    store.remove(ids[1])
    store.forEachPart(unixNanoseconds: 9) { part in _ = deltas.advance(to: part) }
    deltas.endRound()
    #expect(deltas.count == 2)
  }

  @Test("no interval ends before it begins, though the clock is set back")
  func clock() {
    var deltas = SeriesDeltas(delta)
    store.add(1, to: series("x"))
    _ = deltas.advance(to: store.snapshot(unixNanoseconds: 100))
    store.add(1, to: series("x"))
    let told = points(deltas.advance(to: store.snapshot(unixNanoseconds: 60)), "counter")
    #expect(told.map(\.startUnixNanoseconds) == [60])
  }
}

@Suite("edges at powers of two")
struct PowerOfTwoEdgesTests {
  @Test("bounds grow, there is one count more, and each value lies where it was counted")
  func explicit() throws {
    var histogram = ExponentialHistogram()
    var buckets = [UInt32](repeating: 0, count: HistogramShape.bucketsMax)
    // Index 176 ends at 2^((176-184+1)/8): the last below half a second is 175, below one 183.
    for (index, count) in [
      (0, 1), (175, 20), (176, 300), (183, 4000), (184, 50_000), (255, 4), (256, 3),
    ] {
      buckets[index] = UInt32(count)
    }
    histogram.update(
      HistogramReading(
        buckets: buckets.span, zero: 100, sumNanoseconds: 5, minNanoseconds: nil,
        maxNanoseconds: nil))
    let value = histogram.value(HistogramShape(scale: 3, offset: -184, zeroThreshold: 0x1p-23))
    let edges = PowerOfTwoEdges.durations
    #expect(zip(edges.bounds, edges.bounds.dropFirst()).allSatisfy { $0 < $1 })
    let counts = edges.counts(value)
    #expect(counts.count == edges.bounds.count + 1)
    #expect(counts.reduce(0, +) == value.count)
    let places = zip(edges.bounds + [.infinity], counts).filter { $0.1 != 0 }
    #expect(places.map(\.0) == [0x1p-20, 0.5, 1, 2, .infinity])
    #expect(places.map(\.1) == [101, 20, 4300, 50_000, 7])
    // What is longer than the buckets reach is the infinite one's alone, however far the edges go.
    for exponent in 9...12 {
      let wide = PowerOfTwoEdges(exponents: -23...exponent).counts(value)
      // What counts as zero is at most as long as the first of these edges.
      #expect(wide.first == 100)
      #expect(wide.suffix(exponent - 7) == [4] + [UInt64](repeating: 0, count: exponent - 9) + [3])
    }
  }
}
