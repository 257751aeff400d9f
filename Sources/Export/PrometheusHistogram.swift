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
    PowerOfTwoEdges(exponents: exponents).cumulative(value)
  }
}
