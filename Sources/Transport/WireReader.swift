// SPDX-License-Identifier: Apache-2.0
// Reads the few protobuf messages that servers answer with. Whatever the bytes are, it ends.

/// One field: a number, and either an integer or the bytes in `range`.
struct WireField {
  let number: UInt64
  let value: UInt64
  /// Nil unless the field is length-delimited.
  let range: Range<Int>?
}

/// A cursor over the fields of one message.
///
/// After malformed bytes there are no more fields.
struct WireReader {
  private let bytes: [UInt8]
  private var offset: Int
  private let end: Int
  private(set) var isMalformed = false

  init(_ bytes: [UInt8]) {
    self.init(bytes, in: 0..<bytes.count)
  }

  /// `range` must lie within `bytes`, as that of a field read from them does.
  init(_ bytes: [UInt8], in range: Range<Int>) {
    self.bytes = bytes
    offset = range.lowerBound
    end = range.upperBound
  }

  mutating func next() -> WireField? {
    guard offset < end, !isMalformed else { return nil }
    guard let tag = varint(), tag >> 3 != 0 else { return malformed() }
    switch tag & 7 {
    case 0:
      guard let value = varint() else { return malformed() }
      return WireField(number: tag >> 3, value: value, range: nil)
    case 1: return skip(8, number: tag >> 3)
    case 5: return skip(4, number: tag >> 3)
    case 2:
      guard let length = varint(), length <= UInt64(end - offset) else { return malformed() }
      let range = offset..<(offset + Int(length))
      offset = range.upperBound
      return WireField(number: tag >> 3, value: 0, range: range)
    default: return malformed()
    }
  }

  private mutating func malformed() -> WireField? {
    isMalformed = true
    return nil
  }

  /// No message read here has fixed-width fields, so unknown ones are passed over.
  private mutating func skip(_ count: Int, number: UInt64) -> WireField? {
    guard count <= end - offset else { return malformed() }
    offset += count
    return WireField(number: number, value: 0, range: nil)
  }

  private mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard offset < end else { return nil }
      let byte = bytes[offset]
      offset += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }
}

/// What a server wrote for people: bounded, and safe to put on one line of a log.
func readableText(_ bytes: ArraySlice<UInt8>) -> String {
  let kept = bytes.prefix(Limits.messageByteCount).map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }
  return String(decoding: kept, as: UTF8.self)
}
