// SPDX-License-Identifier: Apache-2.0
// What the forms of the page are written with: text, numbers, labels, and protobuf's fields.

extension [UInt8] {
  mutating func append(_ text: String) { append(contentsOf: text.utf8) }

  /// Without the string that interpolation would make.
  mutating func append(decimal value: UInt64) {
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var rest = value
    var first = 20
    repeat {
      first -= 1
      digits[first] = UInt8(truncatingIfNeeded: rest % 10) + UInt8(ascii: "0")
      rest /= 10
    } while rest > 0
    for place in first..<20 { append(digits[place]) }
  }

  mutating func append(decimal value: Int64) {
    if value < 0 { append(UInt8(ascii: "-")) }
    append(decimal: value.magnitude)
  }

  mutating func append(number value: Double) {
    if value.isNaN {
      append("NaN")
    } else if value.isInfinite {
      append(value < 0 ? "-Inf" : "+Inf")
    } else {
      append("\(value)")
    }
  }

  /// The part and, before it, what separates it from one before.
  mutating func append(labels part: [UInt8], after start: Int) {
    guard !part.isEmpty else { return }
    append(UInt8(ascii: count == start ? "{" : ","))
    append(contentsOf: part)
  }

  /// A help text: in OpenMetrics a quotation mark is escaped as well.
  mutating func append(help: String, quotes: Bool) {
    for byte in help.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): append(#"\\"#)
      case UInt8(ascii: "\n"): append(#"\n"#)
      case UInt8(ascii: "\"") where quotes: append(#"\""#)
      default: append(byte)
      }
    }
  }

  // MARK: Protobuf

  mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(truncatingIfNeeded: rest))
  }

  /// A number of the type uint32, uint64 or of an enumeration.
  mutating func append(field: UInt64, _ value: UInt64) {
    append(varint: field << 3)
    append(varint: value)
  }

  /// A number of the type sint32 or sint64.
  mutating func append(field: UInt64, zigzag value: Int64) {
    append(field: field, zigzag(value))
  }

  mutating func append(field: UInt64, _ value: Double) {
    append(varint: field << 3 | 1)
    var bits = value.bitPattern
    for _ in 0..<8 {
      append(UInt8(truncatingIfNeeded: bits))
      bits >>= 8
    }
  }

  mutating func append(field: UInt64, _ text: String) {
    append(varint: field << 3 | 2)
    append(varint: UInt64(text.utf8.count))
    append(contentsOf: text.utf8)
  }

  /// A message of a field, or of the stream when there is no field: its length is filled in later.
  mutating func beginMessage(field: UInt64?) -> Int {
    if let field { append(varint: field << 3 | 2) }
    for _ in 0..<4 { append(0) }
    return count
  }

  /// Four bytes whatever the length: protobuf takes a varint that is longer than need be.
  mutating func endMessage(_ start: Int) {
    let length = count - start
    precondition(length < 1 << 28, "a family is bounded by its series")
    for place in 0..<4 {
      let more: UInt8 = place < 3 ? 0x80 : 0
      self[start - 4 + place] = UInt8(truncatingIfNeeded: length >> (7 * place)) & 0x7f | more
    }
  }

  /// Labels that were rendered as text, each as a LabelPair in this field.
  mutating func append(field: UInt64, labels text: [UInt8]) {
    var place = 0
    while place < text.count {
      let pair = beginMessage(field: field)
      guard let equals = text[place...].firstIndex(of: UInt8(ascii: "=")) else { return }
      append(varint: 1 << 3 | 2)
      append(varint: UInt64(equals - place))
      append(contentsOf: text[place..<equals])
      let value = beginMessage(field: 2)
      // Past the equals sign and the quotation mark.
      place = equals + 2
      while place < text.count, text[place] != UInt8(ascii: "\"") {
        var byte = text[place]
        if byte == UInt8(ascii: "\\"), place + 1 < text.count {
          place += 1
          byte = text[place] == UInt8(ascii: "n") ? UInt8(ascii: "\n") : text[place]
        }
        append(byte)
        place += 1
      }
      endMessage(value)
      endMessage(pair)
      // Past the quotation mark and the comma.
      place += 2
    }
  }
}

func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: value << 1 ^ value >> 63) }
