// SPDX-License-Identifier: Apache-2.0
// Classic buckets from exponential ones: every power of two is an edge of both, so counts are added
// up and never split.

public struct PowerOfTwoEdges: Sendable {
  /// Edges of durations: from about a microsecond to half a minute.
  public static let durations = PowerOfTwoEdges(exponents: -20...5)

  public let exponents: ClosedRange<Int>

  public init(exponents: ClosedRange<Int>) {
    precondition(exponents.count <= 64, "a bounded set of edges")
    self.exponents = exponents
  }

  /// In seconds, each larger than the one before.
  public var bounds: [Double] {
    exponents.map { Double(sign: .plus, exponent: $0, significand: 1) }
  }

  /// How many values lie at or below each edge; the last is the count.
  public func cumulative(_ value: HistogramValue) -> [UInt64] {
    precondition(value.scale >= 0, "edges are powers of two")
    let perPower = 1 << Int(value.scale)
    var result: [UInt64] = []
    result.reserveCapacity(exponents.count + 1)
    var total: UInt64 = 0
    var next = 0
    for (exponent, bound) in zip(exponents, bounds) {
      // Index i ends at 2^((i+1)/perPower), so the last index at or below this edge is this:
      let last = exponent * perPower - 1 - Int(value.offset)
      while next < value.counts.count, next <= last {
        total += value.counts[next]
        next += 1
      }
      // Once all buckets are in, the last one still holds values beyond its own edge.
      let beyond = next == value.counts.count && next > 0 ? value.aboveCount : 0
      result.append(total - beyond + (value.zeroThreshold <= bound ? value.zeroCount : 0))
    }
    result.append(value.count)
    return result
  }

  /// How many values lie between each edge and the one before; the last is beyond them all.
  public func counts(_ value: HistogramValue) -> [UInt64] {
    var below: UInt64 = 0
    return cumulative(value).map { total in
      defer { below = total }
      return total - below
    }
  }
}
