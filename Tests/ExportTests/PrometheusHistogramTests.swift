// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import Export
@testable import Metrics

private func value(offset: Int32, _ counts: [UInt64], zero: UInt64 = 0) -> HistogramValue {
  HistogramValue(
    scale: 3, offset: offset, zeroThreshold: 0x1p-23, counts: counts, zeroCount: zero,
    aboveCount: 0, count: counts.reduce(zero, +), sumNanoseconds: 1, min: nil, max: nil)
}

@Suite("Prometheus histograms")
struct PrometheusHistogramTests {
  @Test("spans name buckets by their upper edge, and deltas add up to the counts")
  func spans() {
    var spans = PrometheusSpans()
    for _ in 0..<200 {
      let offset = Int32.random(in: -184...0)
      // As the store gives them: without empty ends.
      let counts =
        [1] + (0..<Int.random(in: 0...50)).map { _ in UInt64.random(in: 0...2) / 2 * 7 } + [9]
      spans.fill(value(offset: offset, counts))
      var found: [Int32: Int64] = [:]
      var index: Int32 = 0
      var delta = 0
      var last: Int64 = 0
      for span in spans.spans {
        index += span.offset
        for _ in 0..<span.length {
          last += spans.deltas[delta]
          found[index] = last
          delta += 1
          index += 1
        }
      }
      #expect(delta == spans.deltas.count)
      for (place, count) in counts.enumerated() {
        #expect(found[offset + Int32(place) + 1] ?? 0 == Int64(count))
      }
      #expect(found.values.reduce(0, +) == Int64(counts.reduce(0, +)))
    }
  }

  @Test("a few empty buckets are written, more are left out")
  func gaps() {
    var spans = PrometheusSpans()
    spans.fill(value(offset: -5, [3, 0, 0, 4, 0, 0, 0, 5]))
    #expect(spans.spans.map(\.offset) == [-4, 3])
    #expect(spans.spans.map(\.length) == [4, 1])
    #expect(spans.deltas == [3, -3, 0, 4, 1])
  }

  @Test("a histogram without a value has a span, by which it is known as native")
  func empty() {
    var spans = PrometheusSpans()
    spans.fill(value(offset: 0, [4]))
    spans.fill(value(offset: 0, []))
    #expect(spans.spans.map(\.offset) == [0] && spans.spans.map(\.length) == [0])
    #expect(spans.deltas.isEmpty)
  }

  @Test("finer edges are edges of the buckets", arguments: [1, 2, 4, 8])
  func edges(perPower: Int) {
    let edges = PowerOfTwoEdges(exponents: -2...1, perPower: perPower)
    #expect(edges.bounds.count == 3 * perPower + 1)
    #expect(PrometheusEdges(edges).labels.count == edges.bounds.count + 1)
    // One value in the middle of each bucket of 2^(1/8), from 2^-2 to 2^1.
    var cumulative: [UInt64] = []
    edges.cumulative(value(offset: -16, Array(repeating: 1, count: 24), zero: 5), into: &cumulative)
    for (place, bound) in edges.bounds.enumerated() {
      let below = (-16..<8).count { exp2((Double($0) + 0.5) / 8) <= bound }
      #expect(cumulative[place] == UInt64(below + 5))
    }
    #expect(cumulative.last == 29)
  }

  @Test("labels come out of their text as they went in")
  func labels() {
    let names = ["a", "b", "c", "d"]
    let values = [#"x"y\z"#, "one\ntwo, three=\"four\"", "\u{e9}\u{1F426}", #"\"#]
    var message: [UInt8] = []
    message.append(field: 1, labels: LabelText.render(names, values))
    var pairs: [[String]] = []
    var place = 0
    func length() -> Int {
      var value = 0
      var shift = 0
      while true {
        let byte = Int(message[place])
        place += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80 { return value }
      }
    }
    while place < message.count {
      #expect(message[place] == 1 << 3 | 2)
      place += 1
      let end = length() + place
      var pair: [String] = []
      while place < end {
        #expect(message[place] == UInt8(pair.count + 1) << 3 | 2)
        place += 1
        let count = length()
        pair.append(String(decoding: message[place..<place + count], as: UTF8.self))
        place += count
      }
      pairs.append(pair)
    }
    #expect(pairs == zip(names, values).map { [$0, $1] })
  }

  @Test("numbers are written as Swift writes them", arguments: [0, 7, 10, 1_234_567, Int64.max])
  func numbers(value: Int64) {
    var bytes: [UInt8] = []
    bytes.append(decimal: value)
    bytes.append(decimal: -value)
    bytes.append(decimal: UInt64.max)
    #expect(String(decoding: bytes, as: UTF8.self) == "\(value)\(-value)\(UInt64.max)")
  }
}
