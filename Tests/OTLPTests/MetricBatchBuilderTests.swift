// SPDX-License-Identifier: Apache-2.0

import Metrics
import OTLP
import Testing

@Suite("metric batches")
struct MetricBatchBuilderTests {
  private func snapshot(points: Int, workloads: Int, valueSize: Int = 20) -> MetricSnapshot {
    let instruments = ["a", "b"].map { name in
      MetricSnapshot.Instrument(
        descriptor: InstrumentDescriptor(
          name: name, unit: "1", help: "h", kind: .counter, attributeKeys: ["k"]),
        points: (0..<points).map { number in
          MetricPoint(
            workload: UInt32(number % workloads),
            attributes: [String(repeating: "v", count: valueSize)], labelText: [],
            isOverflow: false, startUnixNanoseconds: 1, value: .integer(Int64(number)))
        })
    }
    return MetricSnapshot(unixNanoseconds: 2, instruments: instruments)
  }

  private func encode(
    _ snapshot: MetricSnapshot, arenaSize: Int = 4096
  ) -> (outcome: MetricBatchBuilder.Outcome, batches: [SealedBatch]) {
    let pool = ArenaPool(arenaSize: arenaSize, idleMax: 1)
    var builder = MetricBatchBuilder(pool: pool, scope: Scope(name: "apus", version: "1"))
    var batches: [SealedBatch] = []
    let outcome = builder.encode(
      snapshot, resource: { $0 == 3 ? nil : resource($0) }, emit: { batches.append($0) })
    return (outcome, batches)
  }

  @Test("a snapshot larger than a batch is split between points, and every batch stands alone")
  func split() throws {
    let (outcome, batches) = encode(snapshot(points: 120, workloads: 2))
    #expect(outcome.points == 240 && outcome.tooLarge == 0)
    #expect(batches.count > 3)
    #expect(batches.reduce(0) { $0 + $1.recordCount } == 240)
    var transcoder = JSONTranscoder()
    var lines: [UInt8] = []
    for batch in batches { try transcoder.appendLine(of: batch, to: &lines) }
    let text = String(decoding: lines, as: UTF8.self)
    for number in 0..<120 {
      let places = text.split(
        separator: "\"asInt\":\"\(number)\"", omittingEmptySubsequences: false)
      #expect(places.count == 3, "each point is there once per instrument")
    }
    // No batch has a metric without points.
    #expect(!text.contains("\"sum\":{\"aggregation"))
  }

  @Test("no point begins after its end, though the clock was set back")
  func clockSetBack() throws {
    let descriptor = InstrumentDescriptor(name: "a", unit: "1", help: "h", kind: .counter)
    let point = MetricPoint(
      workload: 0, attributes: [], labelText: [], isOverflow: false, startUnixNanoseconds: 9,
      value: .integer(1))
    let (_, batches) = encode(
      MetricSnapshot(
        unixNanoseconds: 5, instruments: [.init(descriptor: descriptor, points: [point])]))
    var transcoder = JSONTranscoder()
    var line: [UInt8] = []
    try transcoder.appendLine(of: #require(batches.first), to: &line)
    let times = "\"startTimeUnixNano\":\"5\",\"timeUnixNano\":\"5\""
    #expect(String(decoding: line, as: UTF8.self).contains(times))
  }

  @Test("a point that fits into no batch is counted, and the rest goes on")
  func tooLarge() {
    let (outcome, batches) = encode(snapshot(points: 2, workloads: 1, valueSize: 5000))
    #expect(outcome.tooLarge == 4 && outcome.points == 0)
    #expect(batches.isEmpty)
  }

  @Test("points of a workload without a Resource are counted and not sent")
  func withoutResource() {
    let (outcome, _) = encode(snapshot(points: 8, workloads: 4))
    #expect(outcome.withoutResource == 4 && outcome.points == 12)
  }

  @Test("in parts the batches are those of the whole, and a workload's points stay together")
  func parts() throws {
    let store = MetricStore()
    for (name, kind) in [("a", InstrumentKind.counter), ("b", .gauge)] {
      let instrument = store.register(
        InstrumentDescriptor(name: name, unit: "1", help: "h", kind: kind, attributeKeys: ["k"]))
      for place in 0..<700 {
        let series = try #require(
          store.series(
            instrument, workload: UInt32(place % 11), attributes: ["\(place)"],
            startUnixNanoseconds: 1))
        if kind == .counter { store.add(7, to: series) } else { store.set(gauge: 1, of: series) }
      }
    }
    let pool = ArenaPool(arenaSize: 1 << 14, idleMax: 1)
    var builder = MetricBatchBuilder(pool: pool, scope: Scope(name: "apus", version: "1"))
    func lines(_ make: (inout MetricBatchBuilder, (SealedBatch) -> Void) -> Void) throws -> [UInt8]
    {
      var batches: [SealedBatch] = []
      make(&builder) { batches.append($0) }
      var transcoder = JSONTranscoder()
      var lines: [UInt8] = []
      for batch in batches { try transcoder.appendLine(of: batch, to: &lines) }
      return lines
    }
    let whole = try lines { builder, emit in
      let outcome = builder.encode(
        store.snapshot(unixNanoseconds: 2), resource: { resource($0) }, emit: emit)
      #expect(outcome.points == 1400)
    }
    var parts = 0
    let inParts = try lines { builder, emit in
      store.forEachPart(unixNanoseconds: 2) { part in
        parts += 1
        builder.append(part, resource: { resource($0) }, emit: emit)
      }
      #expect(builder.finish(emit).points == 1400)
    }
    #expect(parts == 11 && whole == inParts)
  }
}
