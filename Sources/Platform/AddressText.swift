// SPDX-License-Identifier: Apache-2.0
// Internet addresses as text, in the form that RFC 5952 recommends; nothing is allocated.

/// The text of one address at a time; inet_ntop prints by way of sprintf, several times slower.
public struct AddressText {
  /// An IPv6 address has at most 39 bytes of text.
  private var text = InlineArray<40, UInt8>(repeating: 0)
  private var count = 0

  public init() {}

  /// `bytes` are in network order: four of them for IPv4, sixteen for IPv6.
  public mutating func set(_ bytes: RawSpan, isIPv6: Bool) {
    precondition(bytes.byteCount >= (isIPv6 ? 16 : 4), "an address has its bytes")
    count = 0
    if isIPv6 { setIPv6(bytes) } else { setIPv4(bytes) }
  }

  /// Calls `body` with the text.
  public borrowing func with(_ body: (RawSpan) -> Void) {
    unsafe body(text.span.bytes.extracting(0..<count))
  }

  public var string: String {
    unsafe text.span.bytes.extracting(0..<count).withUnsafeBytes {
      unsafe String(decoding: $0, as: UTF8.self)
    }
  }

  private mutating func setIPv4(_ bytes: RawSpan) {
    for index in 0..<4 {
      if index > 0 { put(UInt8(ascii: ".")) }
      put(decimal: byte(bytes, index))
    }
  }

  private mutating func setIPv6(_ bytes: RawSpan) {
    let zeros = longestZeros(bytes)
    var group = 0
    while group < 8 {
      if group == zeros.lowerBound, !zeros.isEmpty {
        put(UInt8(ascii: ":"))
        put(UInt8(ascii: ":"))
        group = zeros.upperBound
        continue
      }
      if group > 0, group != zeros.upperBound || zeros.isEmpty { put(UInt8(ascii: ":")) }
      put(hex: value(bytes, group))
      group += 1
    }
  }

  /// The groups that "::" stands for: the first of the longest runs of zeros, of two at least.
  private func longestZeros(_ bytes: RawSpan) -> Range<Int> {
    var best = 0..<0
    var start = 0
    for group in 0..<8 {
      if value(bytes, group) != 0 {
        start = group + 1
      } else if group + 1 - start > max(best.count, 1) {
        best = start..<group + 1
      }
    }
    return best
  }

  private func value(_ bytes: RawSpan, _ group: Int) -> UInt16 {
    UInt16(byte(bytes, 2 * group)) << 8 | UInt16(byte(bytes, 2 * group + 1))
  }

  private func byte(_ bytes: RawSpan, _ index: Int) -> UInt8 {
    unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
  }

  private mutating func put(_ byte: UInt8) {
    text[count] = byte
    count += 1
  }

  private mutating func put(decimal value: UInt8) {
    if value >= 100 { put(48 + value / 100) }
    if value >= 10 { put(48 + value / 10 % 10) }
    put(48 + value % 10)
  }

  private mutating func put(hex value: UInt16) {
    var hasBegun = false
    for shift in stride(from: 12, through: 0, by: -4) {
      let digit = UInt8(value >> UInt16(shift) & 15)
      if digit == 0, !hasBegun, shift > 0 { continue }
      hasBegun = true
      put(digit < 10 ? 48 + digit : 87 + digit)
    }
  }
}
