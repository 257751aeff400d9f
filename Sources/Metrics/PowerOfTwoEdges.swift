// SPDX-License-Identifier: Apache-2.0
// Classic buckets from exponential ones: every power of two is an edge of both, so counts are added
// up and never split.

internal import Glibc

public struct PowerOfTwoEdges: Sendable {
  /// Edges of durations: from about a microsecond to half a minute.
  public static let durations = PowerOfTwoEdges(exponents: -20...5)

  /// As many edges as there may be.
  private static let countMax = 256

  /// In seconds, each larger than the one before.
  public let bounds: [Double]
  /// The first edge, in steps of which `perPower` make a power of two.
  private let first: Int
  private let perPower: Int

  /// `perPower` is 1, 2, 4 or 8: with more than one, edges are powers of a root of two as well.
  public init(exponents: ClosedRange<Int>, perPower: Int = 1) {
    precondition([1, 2, 4, 8].contains(perPower), "edges are edges of exponential buckets")
    precondition(exponents.count * perPower <= PowerOfTwoEdges.countMax, "a bounded set of edges")
    self.perPower = perPower
    first = exponents.lowerBound * perPower
    bounds = (exponents.lowerBound * perPower...exponents.upperBound * perPower).map { step in
      // Powers of two are exact, whatever exp2 makes of them.
      step.isMultiple(of: perPower)
        ? Double(sign: .plus, exponent: step / perPower, significand: 1)
        : exp2(Double(step) / Double(perPower))
    }
  }

  /// How many values lie at or below each edge; the last is the count.
  public func cumulative(_ value: HistogramValue) -> [UInt64] {
    var result: [UInt64] = []
    cumulative(value, into: &result)
    return result
  }

  /// The same in an array that is kept.
  public func cumulative(_ value: HistogramValue, into result: inout [UInt64]) {
    precondition(value.scale >= 0 && 1 << Int(value.scale) >= perPower, "edges are of the buckets")
    let bucketsPerEdge = (1 << Int(value.scale)) / perPower
    result.removeAll(keepingCapacity: true)
    result.reserveCapacity(bounds.count + 1)
    var total: UInt64 = 0
    var next = 0
    for (place, bound) in bounds.enumerated() {
      // Index i ends at base^(i+1), so the last index at or below this edge is this:
      let last = (first + place) * bucketsPerEdge - 1 - Int(value.offset)
      while next < value.counts.count, next <= last {
        total += value.counts[next]
        next += 1
      }
      // How long what lies in the bucket beyond the end is, no edge says but infinity.
      let beyond = next == value.counts.count ? value.aboveCount : 0
      result.append(total - beyond + (value.zeroThreshold <= bound ? value.zeroCount : 0))
    }
    result.append(value.count)
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
