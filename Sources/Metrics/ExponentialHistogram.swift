// SPDX-License-Identifier: Apache-2.0
// The cumulative state of one histogram, kept in 64 bits from counters of 32 bits that run freely.

/// Where a histogram's buckets lie.
public struct HistogramShape: Sendable, Equatable {
  /// The last of them is beyond the end of the scale: it counts whatever is longer than the others.
  public static let bucketsMax = 257

  /// base = 2^(2^-scale).
  public let scale: Int32
  /// Bucket i counts (base^(offset+i), base^(offset+i+1)] seconds.
  public let offset: Int32
  /// Values up to this many seconds are counted as zero.
  public let zeroThreshold: Double

  public init(scale: Int32, offset: Int32, zeroThreshold: Double) {
    self.scale = scale
    self.offset = offset
    self.zeroThreshold = zeroThreshold
  }
}

/// One read of the counters: sums over all replicas modulo 2^32, and of nanoseconds modulo 2^64.
public struct HistogramReading: ~Escapable {
  public let buckets: Span<UInt32>
  public let zero: UInt32
  public let sumNanoseconds: UInt64
  public let minNanoseconds: UInt64?
  public let maxNanoseconds: UInt64?

  @_lifetime(copy buckets)
  public init(
    buckets: Span<UInt32>, zero: UInt32, sumNanoseconds: UInt64, minNanoseconds: UInt64?,
    maxNanoseconds: UInt64?
  ) {
    self.buckets = buckets
    self.zero = zero
    self.sumNanoseconds = sumNanoseconds
    self.minNanoseconds = minNanoseconds
    self.maxNanoseconds = maxNanoseconds
  }
}

public struct ExponentialHistogram: Sendable {
  private var buckets = InlineArray<257, UInt64>(repeating: 0)
  private var zero: UInt64 = 0
  private var sumNanoseconds: UInt64 = 0
  private var minNanoseconds: UInt64?
  private var maxNanoseconds: UInt64?

  public init() {}

  /// Adds what the counters moved since the last read, at most 2^32 - 1 each.
  public mutating func update(_ reading: borrowing HistogramReading) {
    precondition(reading.buckets.count <= HistogramShape.bucketsMax, "more buckets than kept")
    for index in 0..<reading.buckets.count {
      ExponentialHistogram.advance(&buckets[index], to: reading.buckets[index])
    }
    ExponentialHistogram.advance(&zero, to: reading.zero)
    sumNanoseconds = reading.sumNanoseconds
    minNanoseconds = reading.minNanoseconds
    maxNanoseconds = reading.maxNanoseconds
  }

  /// The low half of the total is the counter as it was read last.
  private static func advance(_ total: inout UInt64, to counter: UInt32) {
    total += UInt64(counter &- UInt32(truncatingIfNeeded: total))
  }

  /// The state without its empty ends, in seconds.
  public func value(_ shape: HistogramShape) -> HistogramValue {
    var first = 0
    var end = HistogramShape.bucketsMax
    while first < end, buckets[first] == 0 { first += 1 }
    while end > first, buckets[end - 1] == 0 { end -= 1 }
    var counts: [UInt64] = []
    counts.reserveCapacity(end - first)
    var count = zero
    for index in first..<end {
      counts.append(buckets[index])
      count += buckets[index]
    }
    let isEmpty = count == 0
    return HistogramValue(
      scale: shape.scale, offset: counts.isEmpty ? 0 : shape.offset + Int32(first),
      zeroThreshold: shape.zeroThreshold, counts: counts, zeroCount: zero,
      aboveCount: buckets[HistogramShape.bucketsMax - 1], count: count,
      sumNanoseconds: sumNanoseconds,
      min: isEmpty ? nil : minNanoseconds.map(seconds),
      max: isEmpty ? nil : maxNanoseconds.map(seconds))
  }
}

private func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e9 }

/// A histogram as exporters read it; all from one read, so `count` is the sum of its parts.
public struct HistogramValue: Sendable, Equatable {
  /// What the counts of one take at most, with what the allocator adds.
  static let bytesMax = HistogramShape.bucketsMax * 8 + 48

  public let scale: Int32
  /// The index of the first of `counts`.
  public let offset: Int32
  public let zeroThreshold: Double
  public let counts: [UInt64]
  public let zeroCount: UInt64
  /// What is longer than any bucket of the shape holds.
  ///
  /// OTLP has no place for it, so it is the last of `counts` as well, at the first index that is
  /// beyond the shape.
  public let aboveCount: UInt64
  public let count: UInt64
  public let sumNanoseconds: UInt64
  /// Of all values since the start, so unknown for an interval.
  public let min: Double?
  public let max: Double?

  public var sum: Double { seconds(sumNanoseconds) }

  /// What came on top of `earlier`, an older value of the same histogram.
  func since(_ earlier: HistogramValue?) -> HistogramValue {
    var changes = counts
    if let earlier, !earlier.counts.isEmpty {
      // Counts only grow, so what was not empty earlier lies within.
      let shift = Int(earlier.offset - offset)
      for (index, count) in earlier.counts.enumerated() { changes[shift + index] -= count }
    }
    let first = changes.firstIndex { $0 != 0 } ?? changes.endIndex
    let end = changes.lastIndex { $0 != 0 }.map { $0 + 1 } ?? first
    return HistogramValue(
      scale: scale, offset: first == end ? 0 : offset + Int32(first),
      zeroThreshold: zeroThreshold, counts: Array(changes[first..<end]),
      zeroCount: zeroCount - (earlier?.zeroCount ?? 0),
      aboveCount: aboveCount - (earlier?.aboveCount ?? 0), count: count - (earlier?.count ?? 0),
      sumNanoseconds: sumNanoseconds &- (earlier?.sumNanoseconds ?? 0), min: nil, max: nil)
  }
}
