// SPDX-License-Identifier: Apache-2.0
// JSON values as OTLP writes them.

extension [UInt8] {
  mutating func append(scalar: UInt64, _ type: FieldType) {
    switch type {
    case .bool: append(contentsOf: (scalar != 0 ? "true" : "false").utf8)
    case .int32, .enumeration: append(decimal: Int64(Int32(truncatingIfNeeded: scalar)))
    case .uint32, .fixed32: append(decimal: Int64(UInt32(truncatingIfNeeded: scalar)))
    case .sint32:
      let bits = UInt32(truncatingIfNeeded: scalar)
      append(decimal: Int64(Int32(bitPattern: bits >> 1) ^ -Int32(bitPattern: bits & 1)))
    case .int64, .sfixed64:
      append(UInt8(ascii: "\""))
      append(decimal: Int64(bitPattern: scalar))
      append(UInt8(ascii: "\""))
    case .uint64, .fixed64:
      append(UInt8(ascii: "\""))
      append(magnitude: scalar)
      append(UInt8(ascii: "\""))
    case .double: append(json: Double(bitPattern: scalar))
    case .string, .bytes, .id, .message: preconditionFailure("not a scalar")
    }
  }

  mutating func append(decimal value: Int64) {
    if value < 0 { append(UInt8(ascii: "-")) }
    append(magnitude: value.magnitude)
  }

  mutating func append(magnitude value: UInt64) {
    // Digits come out backwards; UInt64.max has twenty.
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var count = 0
    var rest = value
    repeat {
      digits[count] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
      count += 1
    } while rest > 0
    while count > 0 {
      count -= 1
      append(digits[count])
    }
  }

  /// The shortest text that reads back as the same number.
  mutating func append(json value: Double) {
    if value.isNaN {
      append(contentsOf: "\"NaN\"".utf8)
    } else if value.isInfinite {
      append(contentsOf: (value < 0 ? "\"-Infinity\"" : "\"Infinity\"").utf8)
    } else {
      append(contentsOf: value.description.utf8)
    }
  }

  mutating func append(jsonString body: Span<UInt8>, _ range: Range<Int>) throws(WireError) {
    let valid = unsafe body.withUnsafeBufferPointer { bytes in
      unsafe UTF8Text(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[range]))
        .isValid
    }
    guard valid else { throw .text(offset: range.lowerBound) }
    append(UInt8(ascii: "\""))
    for index in range {
      let byte = body[index]
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        append(UInt8(ascii: "\\"))
        append(byte)
      case UInt8(ascii: "\n"): append(contentsOf: "\\n".utf8)
      case UInt8(ascii: "\r"): append(contentsOf: "\\r".utf8)
      case UInt8(ascii: "\t"): append(contentsOf: "\\t".utf8)
      case 0..<0x20, 0x7f:
        append(contentsOf: "\\u00".utf8)
        append(hexadecimal: byte)
      default: append(byte)
      }
    }
    append(UInt8(ascii: "\""))
  }

  private mutating func append(hexadecimal byte: UInt8) {
    for digit in [byte >> 4, byte & 15] {
      append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
  }

  mutating func append(hexadecimal body: Span<UInt8>, _ range: Range<Int>) {
    append(UInt8(ascii: "\""))
    for index in range { append(hexadecimal: body[index]) }
    append(UInt8(ascii: "\""))
  }

  mutating func append(base64 body: Span<UInt8>, _ range: Range<Int>) {
    append(UInt8(ascii: "\""))
    var index = range.lowerBound
    while index < range.upperBound {
      let count = Swift.min(3, range.upperBound - index)
      var group: UInt32 = 0
      for place in 0..<3 {
        group = group << 8 | (place < count ? UInt32(body[index + place]) : 0)
      }
      for place in 0..<4 {
        let sextet = UInt8(truncatingIfNeeded: group >> UInt32(18 - 6 * place)) & 63
        append(place <= count ? base64Digit(sextet) : UInt8(ascii: "="))
      }
      index += count
    }
    append(UInt8(ascii: "\""))
  }
}

private func base64Digit(_ sextet: UInt8) -> UInt8 {
  switch sextet {
  case 0..<26: UInt8(ascii: "A") + sextet
  case 26..<52: UInt8(ascii: "a") + sextet - 26
  case 52..<62: UInt8(ascii: "0") + sextet - 52
  case 62: UInt8(ascii: "+")
  default: UInt8(ascii: "/")
  }
}
