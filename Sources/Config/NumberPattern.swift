// SPDX-License-Identifier: Apache-2.0
// Regular expressions for ranges of whole numbers: JSON Schema knows ranges of numbers only, and
// sizes and durations are text.

enum NumberPattern {
  /// Matches the decimal numbers of the range, leading zeros allowed, without anchors.
  static func text(_ range: ClosedRange<Int>) -> String {
    precondition(range.lowerBound >= 0, "digits have no sign")
    var parts: [String] = []
    var low = range.lowerBound
    // From each number up, the widest block that a prefix with free digits at its end covers.
    while low <= range.upperBound {
      var block = 1
      while low > 0, low.isMultiple(of: block * 10), low + block * 10 - 1 <= range.upperBound,
        String(low).count == String(low + block * 10 - 1).count
      {
        block *= 10
      }
      var last = low
      let digit = low / block % 10
      var steps = 0
      while digit + steps < 9, last + 2 * block - 1 <= range.upperBound {
        last += block
        steps += 1
      }
      parts.append(part(low / block, steps: steps, free: String(block).count - 1))
      low = last + block
    }
    return "0*(\(parts.joined(separator: "|")))"
  }

  /// A prefix whose last digit may be up to `steps` higher, and digits that are free.
  private static func part(_ prefix: Int, steps: Int, free: Int) -> String {
    let digits = String(prefix)
    let last = prefix % 10
    var text = String(digits.dropLast())
    text += steps == 0 ? "\(last)" : last == 0 && steps == 9 ? "[0-9]" : "[\(last)-\(last + steps)]"
    switch free {
    case 0: break
    case 1: text += "[0-9]"
    default: text += "[0-9]{\(free)}"
    }
    return text
  }

  /// Numbers with units, each unit with the part of the range that is whole in it.
  static func text(
    _ range: ClosedRange<Int>, units: [(suffix: String, size: Int)], powersOfTwo: Bool = false
  ) -> String {
    let parts = units.compactMap { suffix, size -> String? in
      let low = (range.lowerBound + size - 1) / size
      let high = range.upperBound / size
      guard low <= high else { return nil }
      guard powersOfTwo else { return text(low...high) + suffix }
      let powers = (0..<Int.bitWidth - 1).map { 1 << $0 }.filter { (low...high).contains($0) }
      guard !powers.isEmpty else { return nil }
      return "0*(\(powers.map { String($0) }.joined(separator: "|")))\(suffix)"
    }
    return "^(\(parts.joined(separator: "|")))$"
  }
}
