// SPDX-License-Identifier: Apache-2.0
// Histograms on the terminal: bcc's log2 drawing, and the exponential buckets as they are.

/// The buckets of one exponential histogram at scale 3: bucket i holds (2^(i/8), 2^((i+1)/8)] s.
package struct FineBuckets: Equatable, Sendable {
  package static let scale = 3
  package let firstIndex: Int
  package let counts: [UInt64]
  /// What is shorter than the first bucket's spans.
  package let zeroCount: UInt64
  /// What is longer than the last bucket's.
  package let aboveCount: UInt64

  package init(firstIndex: Int, counts: [UInt64], zeroCount: UInt64, aboveCount: UInt64) {
    self.firstIndex = firstIndex
    self.counts = counts
    self.zeroCount = zeroCount
    self.aboveCount = aboveCount
  }

  package var total: UInt64 { counts.reduce(zeroCount &+ aboveCount, &+) }
}

package enum TimeUnit: String, Sendable {
  case microseconds = "usecs"
  case milliseconds = "msecs"

  package var nanoseconds: UInt32 {
    switch self {
    case .microseconds: 1000
    case .milliseconds: 1_000_000
    }
  }
}

/// Counts per power of two: slot 0 is 0 and 1, slot k is 2^k up to 2^(k+1) − 1.
package struct Log2Histogram: Equatable, Sendable {
  package static let slotsMax = 64
  package let slots: [UInt64]

  package init(slots: [UInt64]) { self.slots = slots }

  package static func low(_ slot: Int) -> UInt64 { slot == 0 ? 0 : 1 << UInt64(slot) }
  package static func high(_ slot: Int) -> UInt64 { slot == 63 ? .max : 1 << UInt64(slot + 1) - 1 }

  /// The lines of libbpf-tools' histogram; empty when nothing was counted.
  package func drawn(label: String) -> String {
    guard let last = slots.lastIndex(where: { $0 > 0 }), let largest = slots.max() else {
      return ""
    }
    let isNarrow = last <= 32
    let width = isNarrow ? 10 : 20
    var out = spaces(isNarrow ? 5 : 15) + left(label, isNarrow ? 19 : 29)
    out += " : count    distribution\n"
    for slot in 0...last {
      let low = Self.low(slot)
      let high = Self.high(slot)
      out += "\(right(String(low), width)) -> \(left(String(high), width)) : "
      out += row(slots[slot], largest: largest, stars: isNarrow ? 40 : 20)
    }
    return out
  }
}

/// `count    |****    |` and the end of the line.
private func row(_ count: UInt64, largest: UInt64, stars: Int) -> String {
  // Full width, since count × 40 may not fit; the quotient is at most `stars`.
  let product = count.multipliedFullWidth(by: UInt64(stars))
  let filled = Int(largest.dividingFullWidth(product).quotient)
  let bar = String(repeating: "*", count: filled) + spaces(stars - filled)
  return "\(left(String(count), 8)) |\(bar)|\n"
}

extension FineBuckets {
  /// The buckets as they are, for `--exponential`: edges in microseconds, upper edge included.
  package func drawn() -> String {
    guard total > 0 else { return "" }
    let most = max(counts.max() ?? 0, zeroCount, aboveCount)
    var out = header
    if zeroCount > 0 { out += row(0, 0, zeroCount, max: most) }
    if let first = counts.firstIndex(where: { $0 > 0 }),
      let last = counts.lastIndex(where: { $0 > 0 })
    {
      for index in first...last {
        let bucket = firstIndex + index
        out += row(edge(bucket), edge(bucket + 1), counts[index], max: most)
      }
    }
    if aboveCount > 0 { out += row(edge(firstIndex + counts.count), nil, aboveCount, max: most) }
    return out
  }

  private var header: String { spaces(10) + left("usecs", 22) + " : count    distribution\n" }

  private func edge(_ index: Int) -> UInt64 { Self.nanoseconds(edge: index) }

  /// Without `high` there is no upper edge.
  private func row(_ low: UInt64, _ high: UInt64?, _ count: UInt64, max: UInt64) -> String {
    let end = high.map { decimal(thousandths: $0) } ?? "longer"
    return "\(right(decimal(thousandths: low), 14)) -> \(left(end, 14)) : "
      + CLI.row(count, largest: max, stars: 40)
  }

  /// 2^(index/8) s to the nearest nanosecond.
  package static func nanoseconds(edge index: Int) -> UInt64 {
    // 2^(j/8), so that no C library is asked for powers.
    let roots = [
      1.0, 1.0905077326652577, 1.189207115002721, 1.2968395546510096, 1.4142135623730951,
      1.5422108254079407, 1.6817928305074292, 1.8340080864093424,
    ]
    let octave = index >> 3
    // Beyond 2^33 s the product would leave UInt64; no bucket of ours is there.
    let clamped = min(octave, 33)
    let scaled = Double(sign: .plus, exponent: clamped, significand: roots[index - octave * 8])
    return UInt64((scaled * 1e9).rounded())
  }
}
