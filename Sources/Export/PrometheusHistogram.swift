// SPDX-License-Identifier: Apache-2.0
// Classic `le` buckets and native ones from exponential buckets: each edge of the former is one of
// the latter, so counts are added up and never split.

internal import Glibc
internal import Metrics

/// The `le` edges: powers of two in seconds, or of a root of two, rendered once.
struct PrometheusEdges: Sendable {
  /// As many edges as there may be.
  static let countMax = 256

  let bounds: [Double]
  /// `le="…"` for each edge, then for infinity.
  let labels: [[UInt8]]
  private let first: Int
  private let perPower: Int

  /// `perPower` edges for each power of two: 1, 2, 4 or 8.
  init(exponents: ClosedRange<Int>, perPower: Int = 1) {
    precondition([1, 2, 4, 8].contains(perPower), "edges are edges of exponential buckets")
    precondition(exponents.count * perPower <= PrometheusEdges.countMax, "a bounded set of edges")
    self.perPower = perPower
    first = exponents.lowerBound * perPower
    bounds = (first...exponents.upperBound * perPower).map { index in
      // Powers of two are exact, whatever exp2 makes of them.
      index.isMultiple(of: perPower)
        ? Double(sign: .plus, exponent: index / perPower, significand: 1)
        : exp2(Double(index) / Double(perPower))
    }
    labels = bounds.map { Array("le=\"\($0)\"".utf8) } + [Array("le=\"+Inf\"".utf8)]
  }

  /// How many values lie at or below each edge; the last is the count.
  func cumulative(_ value: HistogramValue, into result: inout [UInt64]) {
    precondition(1 << Int(value.scale) >= perPower, "edges are edges of the buckets")
    let bucketsPerEdge = (1 << Int(value.scale)) / perPower
    result.removeAll(keepingCapacity: true)
    var total: UInt64 = 0
    var next = 0
    for (place, bound) in bounds.enumerated() {
      // Index i ends at base^(i+1), so the last index at or below this edge is this:
      let last = (first + place) * bucketsPerEdge - 1 - Int(value.offset)
      while next < value.counts.count, next <= last {
        total += value.counts[next]
        next += 1
      }
      // Once all buckets are in, the last one still holds values beyond its own edge.
      let beyond = next == value.counts.count && next > 0 ? value.aboveCount : 0
      result.append(total - beyond + (value.zeroThreshold <= bound ? value.zeroCount : 0))
    }
    result.append(value.count)
  }
}

/// A native histogram's buckets: runs of them, and the difference of each to the one before.
struct PrometheusSpans {
  /// Empty buckets that are cheaper to write than a new run is.
  private static let gapMax = 2

  /// The first offset is a bucket's index, the others are what lies between two runs.
  private(set) var spans: [(offset: Int32, length: UInt32)] = []
  private(set) var deltas: [Int64] = []

  /// Reads a histogram; what was kept of the one before is forgotten.
  mutating func fill(_ value: HistogramValue) {
    spans.removeAll(keepingCapacity: true)
    deltas.removeAll(keepingCapacity: true)
    var last: Int64 = 0
    var end = 0
    for (place, count) in value.counts.enumerated() where count > 0 {
      let gap = place - end
      if spans.isEmpty {
        // Prometheus names a bucket by its upper edge, OpenTelemetry by its lower one.
        spans.append((value.offset + Int32(place) + 1, 0))
      } else if gap > PrometheusSpans.gapMax {
        spans.append((Int32(gap), 0))
      } else {
        for _ in 0..<gap { append(0, &last) }
      }
      append(Int64(clamping: count), &last)
      end = place + 1
    }
    // Without any, a reader takes it for a classic histogram.
    if spans.isEmpty { spans.append((0, 0)) }
  }

  private mutating func append(_ count: Int64, _ last: inout Int64) {
    spans[spans.count - 1].length += 1
    deltas.append(count - last)
    last = count
  }
}
