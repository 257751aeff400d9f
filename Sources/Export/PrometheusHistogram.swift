// SPDX-License-Identifier: Apache-2.0
// Classic `le` buckets from exponential ones: every power of two is an edge of both, so counts are
// added up and never split.

internal import Metrics

/// The `le` edges: powers of two in seconds, rendered once.
struct PrometheusEdges: Sendable {
  let exponents: ClosedRange<Int>
  /// `le="…"` for each edge, then for infinity.
  let labels: [[UInt8]]

  init(exponents: ClosedRange<Int>) {
    self.exponents = exponents
    labels =
      exponents.map { exponent in
        Array("le=\"\(Double(sign: .plus, exponent: exponent, significand: 1))\"".utf8)
      } + [Array("le=\"+Inf\"".utf8)]
  }

  /// How many values lie at or below each edge; the last is the count.
  func cumulative(_ value: HistogramValue) -> [UInt64] {
    precondition(value.scale >= 0, "edges are powers of two")
    let perPower = 1 << Int(value.scale)
    var result: [UInt64] = []
    result.reserveCapacity(exponents.count + 1)
    var total: UInt64 = 0
    var next = 0
    for exponent in exponents {
      // Index i ends at 2^((i+1)/perPower), so the last index at or below this edge is this:
      let last = exponent * perPower - 1 - Int(value.offset)
      while next < value.counts.count, next <= last {
        total += value.counts[next]
        next += 1
      }
      // Once all buckets are in, the last one still holds values beyond its own edge.
      let beyond = next == value.counts.count && next > 0 ? value.aboveCount : 0
      let isAboveThreshold =
        value.zeroThreshold <= Double(sign: .plus, exponent: exponent, significand: 1)
      result.append(total - beyond + (isAboveThreshold ? value.zeroCount : 0))
    }
    result.append(value.count)
    return result
  }
}
