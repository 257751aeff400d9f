// SPDX-License-Identifier: Apache-2.0

import Metrics
import OTLP
import Testing

let schemaURL = "https://opentelemetry.io/schemas/1.44.0"

func resource(_ workload: UInt32) -> EncodedResource {
  let name = Array("w\(workload)".utf8)
  let key = Array("service.name".utf8)
  var pair: [UInt8] = [0x0a, UInt8(key.count)] + key
  pair += [0x12, UInt8(name.count + 2), 0x0a, UInt8(name.count)] + name
  return EncodedResource(message: [0x0a, UInt8(pair.count)] + pair, schemaURL: schemaURL)
}

/// The 900 records that decode_otlp.py knows.
func knownLogs(arenaSize: Int) -> SealedBatch? {
  let record = ExecRecord()
  let pool = ArenaPool(arenaSize: arenaSize, idleMax: 1)
  let scopes = [
    Scope(name: "apus", version: "0.1"), Scope(name: "other", version: "", schemaURL: "urn:s"),
  ]
  var builder = LogBatchBuilder(pool: pool, scopes: scopes)
  for number in 0..<900 {
    let begun = builder.beginRecord(
      workload: UInt32(number % 3), kind: UInt8(1 + number % 2), scope: UInt8(number / 3 % 2))
    precondition(begun)
    record.encode(
      into: &builder.writer, time: 1_700_000_000_000_000_000 + UInt64(number),
      pid: Int64(number) * 1_000_003,
      path: Array("/bin/".utf8) + [UInt8](repeating: 0x78, count: number % 40) + [0xff],
      arguments: Array("a\0\0".utf8) + [UInt8](repeating: 0x62, count: number % 300)
        + Array("\0last".utf8))
    let outcome = builder.endRecord()
    precondition(outcome == .appended)
  }
  return builder.seal(resource)
}

@Suite(
  "against the official decoder",
  .enabled(if: Decoder.isInstalled, "needs .build/venv with opentelemetry-proto"))
struct OfficialDecoderTests {
  @Test("log batches decode field by field, compact or in slices", arguments: [1 << 20, 1 << 22])
  func logs(arenaSize: Int) throws {
    let batch = try #require(knownLogs(arenaSize: arenaSize))
    #expect((batch.sliceCount == 1) == (arenaSize == 1 << 22))
    #expect(batch.recordCount == 900)
    #expect(batch.kinds[1] == 450 && batch.kinds[2] == 450)
    try compare(batch, "logs")
  }

  @Test("a snapshot decodes field by field")
  func metrics() throws {
    var builder = MetricBatchBuilder(
      pool: ArenaPool(arenaSize: 1 << 16, idleMax: 1), scope: Scope(name: "apus", version: "1"))
    var batches: [SealedBatch] = []
    let outcome = builder.encode(knownSnapshot(), resource: resource) { batches.append($0) }
    #expect(outcome.points == 7 && outcome.tooLarge == 0)
    #expect(batches.count == 1)
    try compare(#require(batches.first), "metrics")
  }

  private func compare(_ batch: SealedBatch, _ kind: String) throws {
    let scratch = ScratchDirectory()
    let body = bytes(of: batch)
    #expect(body.count == batch.byteCount)
    scratch.write("body", body)
    var line: [UInt8] = []
    var transcoder = JSONTranscoder()
    try transcoder.appendLine(of: batch, to: &line)
    scratch.write("json", line)
    let result = Decoder.run("\(kind) \(scratch.path)/body \(scratch.path)/json")
    #expect(result.status == 0 && result.output == "equal\n", "\(result.output)")
  }

  @Test("JSON of every message and field is what protobuf reads back")
  func everyField() throws {
    let scratch = ScratchDirectory()
    let made = Decoder.run("make \(scratch.path)")
    #expect(made.status == 0, "\(made.output)")
    var transcoder = JSONTranscoder()
    for (name, signal) in [("logs", Signal.logs), ("metrics", .metrics), ("traces", .traces)] {
      for seed in 0..<8 {
        let body = scratch.read("\(name)-\(seed).bin")
        #expect(body.count > 100)
        var line: [UInt8] = []
        try transcoder.appendLine(of: body.span, signal, to: &line)
        scratch.write("\(name)-\(seed).json", line)
      }
    }
    let result = Decoder.run("json \(scratch.path)")
    #expect(result.status == 0 && result.output == "24 compared\n", "\(result.output)")
  }
}

/// The series that decode_otlp.py knows.
func knownSnapshot() -> MetricSnapshot {
  let store = MetricStore()
  let executions = store.register(
    InstrumentDescriptor(
      name: "apus.process.executions", unit: "{execution}", help: "Execs.", kind: .counter,
      attributeKeys: ["outcome"]), seriesMax: 2)
  let queue = store.register(
    InstrumentDescriptor(
      name: "apus.queue.size", unit: "{item}", help: "Queue.", kind: .upDownCounter))
  let load = store.register(
    InstrumentDescriptor(name: "apus.load", unit: "1", help: "Load.", kind: .gauge))
  let latency = store.register(
    InstrumentDescriptor(
      name: "apus.cpu.runqueue.latency", unit: "s", help: "Wait.", kind: .histogram,
      attributeKeys: ["cgroup"]),
    shape: HistogramShape(scale: 3, offset: -184, zeroThreshold: 0x1p-23))
  func series(
    _ instrument: InstrumentID, _ attributes: [String] = [], workload: UInt32 = 0
  ) -> SeriesID {
    store.series(
      instrument, workload: workload, attributes: attributes, startUnixNanoseconds: 1000)
      ?? store.overflow(instrument, startUnixNanoseconds: 1000)
  }
  store.add(23, to: series(executions, ["ok"]))
  _ = series(executions, ["failed"])
  store.add(4, to: series(executions, ["one too many"]))
  store.add(-2, to: series(queue))
  store.set(gauge: 0.25, of: series(load))
  let histogram = series(latency, ["a"], workload: 7)
  // The third bucket's counter wraps between the two reads.
  for third in [UInt32.max, 5] as [UInt32] {
    var buckets = [UInt32](repeating: 0, count: HistogramShape.bucketsMax)
    (buckets[10], buckets[12]) = (3, third)
    store.update(
      histogram,
      HistogramReading(
        buckets: buckets.span, zero: 1, sumNanoseconds: 1_500_000_000,
        minNanoseconds: 100, maxNanoseconds: 250_000_000))
  }
  _ = series(latency, ["empty"], workload: 7)
  return store.snapshot(unixNanoseconds: 5000)
}
