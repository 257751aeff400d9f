// SPDX-License-Identifier: Apache-2.0
// A LogRecord read back from the wire by a reader of the test's own, which knows only this schema.

import Testing

/// A value of an attribute.
enum DecodedValue: Equatable {
  case text(String), integer(Int64), truth(Bool), real(Double), list([String])
}

struct DecodedRecord {
  var time: UInt64 = 0
  var observed: UInt64 = 0
  var severity: UInt64 = 0
  var severityText = ""
  var event = ""
  var keys: [String] = []
  var attributes: [String: DecodedValue] = [:]

  init(_ bytes: [UInt8]) throws {
    for field in try wireFields(bytes) {
      switch (field.number, field.value) {
      case (1, .scalar(let value)): time = value
      case (11, .scalar(let value)): observed = value
      case (2, .scalar(let value)): severity = value
      case (3, .bytes(let text)): severityText = String(decoding: text, as: UTF8.self)
      case (12, .bytes(let text)): event = String(decoding: text, as: UTF8.self)
      case (6, .bytes(let pair)):
        let parts = try wireFields(pair)
        try #require(parts.map(\.number) == [1, 2])
        let key = try parts[0].text
        keys.append(key)
        attributes[key] = try DecodedValue(anyValue: parts[1].bytes)
      default: Issue.record("field \(field.number) is none of a LogRecord that we write")
      }
    }
  }
}

extension DecodedValue {
  init(anyValue bytes: [UInt8]) throws {
    let field = try #require(try wireFields(bytes).first)
    switch (field.number, field.value) {
    case (1, .bytes(let text)): self = .text(String(decoding: text, as: UTF8.self))
    case (2, .scalar(let value)): self = .truth(value == 1)
    case (3, .scalar(let value)): self = .integer(Int64(bitPattern: value))
    case (4, .scalar(let value)): self = .real(Double(bitPattern: value))
    case (5, .bytes(let list)):
      self = .list(try wireFields(list).map { try #require(try wireFields($0.bytes).first).text })
    default: throw WireFault.unexpected
    }
  }
}

enum WireFault: Error { case truncated, type, unexpected }

struct DecodedField {
  enum Value { case scalar(UInt64), bytes([UInt8]) }

  let number: UInt64
  let value: Value

  var bytes: [UInt8] {
    get throws {
      guard case .bytes(let bytes) = value else { throw WireFault.type }
      return bytes
    }
  }
  var text: String { get throws { String(decoding: try bytes, as: UTF8.self) } }
}

/// The fields of one message, in order.
func wireFields(_ bytes: [UInt8]) throws -> [DecodedField] {
  var rest = bytes[...]
  func varint() throws -> UInt64 {
    var (value, shift): (UInt64, UInt64) = (0, 0)
    while let byte = rest.popFirst() {
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw WireFault.truncated
  }
  func take(_ count: Int) throws -> [UInt8] {
    guard rest.count >= count else { throw WireFault.truncated }
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }
  var fields: [DecodedField] = []
  while !rest.isEmpty {
    let tag = try varint()
    switch tag & 7 {
    case 0: fields.append(DecodedField(number: tag >> 3, value: .scalar(try varint())))
    case 1:
      let value = try take(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
      fields.append(DecodedField(number: tag >> 3, value: .scalar(value)))
    case 2: fields.append(DecodedField(number: tag >> 3, value: .bytes(try take(Int(varint())))))
    default: throw WireFault.type
    }
  }
  return fields
}
