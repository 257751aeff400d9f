// SPDX-License-Identifier: Apache-2.0
// Batches of random contents, each record beside the text that random_otlp.py must read from it.

import Metrics
import OTLP

private func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

private func bits(_ value: Double) -> String {
  hexadecimal((0..<8).reversed().map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) })
}

private let integers: [Int64] = [0, 1, -1, 127, 128, 16_383, 16_384, .max, .min, 1_000_003]
private let doubles: [Double] = [
  0, -0.0, 1, 0.1, -1e300, .leastNonzeroMagnitude, .infinity, -.infinity,
]

/// Valid text of all lengths of UTF-8, and bytes that are none.
private func randomBytes() -> [UInt8] {
  let parts: [[UInt8]] = [
    Array("a".utf8), Array("né".utf8), Array("\u{1f426}".utf8), [0xff], [0xe2, 0x82], [0x0a, 0x22],
    Array(repeating: 0x78, count: 130),
  ]
  return (0..<Int.random(in: 0...4)).flatMap { _ in parts.randomElement() ?? [] }
}

struct RandomLogs {
  private let keys = (0..<12).map { AttributeKey("k\($0)", field: AttributesField.log) }
  private let names = ["apus.process.exec", "e", ""]
  private let scopes = [Scope(name: "one", version: "1"), Scope(name: "two", version: "")]
  private let word = Template { $0.raw(Array("wörd".utf8)) }

  mutating func make(batches: Int) -> (bytes: [UInt8], expected: String) {
    var builder = LogBatchBuilder(
      pool: ArenaPool(arenaSize: 1 << 16, idleMax: 2), scopes: scopes, recordsMax: 64,
      workloadsMax: 16)
    var frames: [UInt8] = []
    var expected = ""
    for number in 0..<batches {
      for _ in 0..<Int.random(in: 1...6) {
        expected += "\(number) \(append(&builder))\n"
      }
      guard let batch = builder.seal(resource) else { preconditionFailure("there are records") }
      Frames.append(OTLPTests.bytes(of: batch), to: &frames)
    }
    return (frames, expected)
  }

  private func append(_ builder: inout LogBatchBuilder) -> String {
    let workload = UInt32.random(in: 0...4)
    let scope = UInt8.random(in: 0...1)
    let begun = builder.beginRecord(workload: workload, kind: 1, scope: scope)
    precondition(begun, "the batch has room")
    let time = UInt64.random(in: 0...UInt64.max)
    let severity = UInt64.random(in: 1...24)
    let name = names.randomElement() ?? ""
    builder.writer.fixed64(time, field: 1)
    builder.writer.fixed64(time / 2, field: 11)
    builder.writer.varint(severity, field: 2)
    builder.writer.string(name, field: 12)
    var texts: [String] = []
    for index in 0..<Int.random(in: 0...keys.count) {
      texts.append("k\(index)=" + attribute(keys[index], &builder.writer))
    }
    let outcome = builder.endRecord()
    precondition(outcome == .appended, "the batch has room")
    return "w\(workload) \(["one", "two"][Int(scope)]) \(time) \(time / 2) \(severity) \(name) "
      + texts.joined(separator: " ")
  }

  private func attribute(_ key: AttributeKey, _ writer: inout WireWriter) -> String {
    switch Int.random(in: 0...5) {
    case 0:
      let value = integers.randomElement() ?? 0
      writer.attribute(key, int: value)
      return "i\(value)"
    case 1:
      let value = Bool.random()
      writer.attribute(key, bool: value)
      return value ? "b1" : "b0"
    case 2:
      let value = doubles.randomElement() ?? 0
      writer.attribute(key, double: value)
      return "d" + bits(value)
    case 3:
      writer.attribute(key, string: word)
      return "s" + hexadecimal("wörd".utf8)
    case 4:
      let value = randomBytes()
      writer.attribute(key, lossy: value.span.bytes)
      return "s" + hexadecimal(String(decoding: value, as: UTF8.self).utf8)
    default:
      let values = (0..<Int.random(in: 1...3)).map { _ in randomBytes() }
      let joined = Array(values.map { $0 + [0] }.joined())
      writer.attribute(key, nulSeparated: joined.span.bytes)
      return "a"
        + values.map { hexadecimal(String(decoding: $0, as: UTF8.self).utf8) }
        .joined(separator: ",")
    }
  }
}

struct RandomMetrics {
  private let shape = HistogramShape(scale: 3, offset: -184, zeroThreshold: 0x1p-23)
  private let forms: [(kind: InstrumentKind, name: String)] = [
    (.counter, "sum T 1"), (.upDownCounter, "sum T 0"), (.gauge, "gauge"),
    (.histogram, "exponential_histogram T"),
  ]

  mutating func make(batches: Int) -> (bytes: [UInt8], expected: String) {
    let pool = ArenaPool(arenaSize: 1 << 17, idleMax: 2)
    let scope = Scope(name: "apus", version: "1")
    var exponential = MetricBatchBuilder(pool: pool, scope: scope)
    var explicit = MetricBatchBuilder(pool: pool, scope: scope, edges: .durations)
    var frames: [UInt8] = []
    var expected = ""
    for number in 0..<batches {
      let isExplicit = number % 2 == 1
      let (snapshot, texts) = snapshot(isExplicit: isExplicit)
      for text in texts { expected += "\(number) \(text)\n" }
      let emit = { (batch: SealedBatch) in Frames.append(bytes(of: batch), to: &frames) }
      let outcome =
        isExplicit
        ? explicit.encode(snapshot, resource: resource, emit: emit)
        : exponential.encode(snapshot, resource: resource, emit: emit)
      precondition(outcome.points == texts.count, "one batch has room for all")
    }
    return (frames, expected)
  }

  private func snapshot(isExplicit: Bool) -> (MetricSnapshot, [String]) {
    let time = UInt64.random(in: 1...UInt64.max)
    var texts: [String] = []
    var instruments: [MetricSnapshot.Instrument] = []
    for (index, form) in forms.enumerated() {
      let temporality: Temporality =
        form.kind == .counter || form.kind == .histogram
        ? [.delta, .cumulative].randomElement() ?? .delta : .cumulative
      var points: [MetricPoint] = []
      for _ in 0..<(Int.random(in: 0...3) + (index == 0 ? 1 : 0)) {
        let point = point(form.kind)
        points.append(point)
        let kind = isExplicit && form.kind == .histogram ? "histogram T" : form.name
        let words = kind.split(separator: " ").map { $0 == "T" ? "\(temporality.rawValue)" : $0 }
        texts.append(
          "w\(point.workload) m\(index) s \(words.joined(separator: " ")) "
            + "\(min(point.startUnixNanoseconds, time)) \(time) "
            + "\(text(point.value, isExplicit: isExplicit)) " + attributes(point))
      }
      instruments.append(
        MetricSnapshot.Instrument(
          descriptor: InstrumentDescriptor(
            name: "m\(index)", unit: "s", help: "h", kind: form.kind, attributeKeys: ["a", "b"]),
          points: points, temporality: temporality))
    }
    return (MetricSnapshot(unixNanoseconds: time, instruments: instruments), texts)
  }

  private func point(_ kind: InstrumentKind) -> MetricPoint {
    let value: PointValue =
      switch kind {
      case .gauge: .double(doubles.randomElement() ?? 0)
      case .counter, .upDownCounter: .integer(integers.randomElement() ?? 0)
      case .histogram: .histogram(histogram())
      }
    let isOverflow = Int.random(in: 0...9) == 0
    return MetricPoint(
      workload: UInt32.random(in: 0...2),
      attributes: isOverflow ? [] : ["né", ["", "x"].randomElement() ?? ""], labelText: [],
      isOverflow: isOverflow, startUnixNanoseconds: .random(in: 0...UInt64.max), value: value)
  }

  private func attributes(_ point: MetricPoint) -> String {
    if point.isOverflow { return "otel.metric.overflow=b1" }
    return zip(["a", "b"], point.attributes).filter { !$0.1.isEmpty }
      .map { "\($0.0)=s" + hexadecimal($0.1.utf8) }.joined(separator: " ")
  }

  private func histogram() -> HistogramValue {
    var buckets = [UInt32](repeating: 0, count: HistogramShape.bucketsMax)
    for _ in 0..<Int.random(in: 0...6) {
      buckets[Int.random(in: 0...256)] = [1, 127, 128, .max].randomElement() ?? 1
    }
    var histogram = ExponentialHistogram()
    histogram.update(
      HistogramReading(
        buckets: buckets.span, zero: [0, 5].randomElement() ?? 0,
        sumNanoseconds: .random(in: 0...UInt64.max),
        minNanoseconds: [nil, 1, 999].randomElement() ?? nil,
        maxNanoseconds: [nil, 1_000_000_007].randomElement() ?? nil))
    return histogram.value(shape)
  }

  private func text(_ value: PointValue, isExplicit: Bool) -> String {
    switch value {
    case .integer(let value): return "i\(value)"
    case .double(let value): return "d" + bits(value)
    case .histogram(let value):
      let ends = [value.min, value.max].map { $0.map(bits) ?? "-" }.joined(separator: " ")
      let head = "\(value.count) \(bits(value.sum)) \(ends) "
      guard !isExplicit else {
        let edges = PowerOfTwoEdges.durations
        return head + edges.counts(value).map { "\($0)" }.joined(separator: ",") + " "
          + edges.bounds.map(bits).joined(separator: ",")
      }
      return head + "\(value.scale) \(value.offset) \(value.zeroCount) "
        + bits(value.zeroThreshold) + " " + value.counts.map { "\($0)" }.joined(separator: ",")
    }
  }
}
