// SPDX-License-Identifier: Apache-2.0
// Reads protobuf fields from bytes of any origin: every length is checked, nothing traps.

public enum WireError: Error, Equatable, Sendable {
  /// A value reaches beyond the end of its message.
  case truncated(offset: Int)
  /// A varint of more than ten bytes.
  case varintTooLong(offset: Int)
  /// A tag that names no field, or a wire type that protobuf does not have.
  case tag(offset: Int)
  /// The wire type is not that of the field's declared type.
  case wireType(offset: Int, field: UInt32)
  /// Messages nested more deeply than any that this agent writes.
  case depth(offset: Int)
  /// The JSON text exceeds its bound.
  case tooLong(byteMax: Int)
  /// A string that is not UTF-8.
  case text(offset: Int)
}

/// A field as it lies in the input.
struct WireField {
  var number: UInt32
  var type: WireType
  /// The value of a scalar; unused for bytes.
  var scalar: UInt64
  /// Where the value of a bytes field lies.
  var bytes: Range<Int>
}

struct WireReader: ~Escapable {
  let input: Span<UInt8>
  private(set) var offset: Int
  let end: Int

  @_lifetime(copy input)
  init(_ input: Span<UInt8>, _ range: Range<Int>) {
    precondition(range.upperBound <= input.count, "a range of the input")
    self.input = input
    offset = range.lowerBound
    end = range.upperBound
  }

  @_lifetime(self: copy self)
  mutating func next() throws(WireError) -> WireField? {
    guard offset < end else { return nil }
    let start = offset
    let tag = try varint()
    guard tag >> 3 > 0, tag >> 3 < 1 << 29, let type = WireType(rawValue: tag & 7) else {
      throw .tag(offset: start)
    }
    var field = WireField(
      number: UInt32(tag >> 3), type: type, scalar: 0, bytes: offset..<offset)
    switch type {
    case .varint: field.scalar = try varint()
    case .fixed64: field.scalar = try fixed(8)
    case .fixed32: field.scalar = try fixed(4)
    case .bytes:
      let count = try varint()
      guard count <= UInt64(end - offset) else { throw .truncated(offset: start) }
      field.bytes = offset..<offset + Int(count)
      offset += Int(count)
    }
    return field
  }

  @_lifetime(self: copy self)
  mutating func varint() throws(WireError) -> UInt64 {
    let start = offset
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while offset < end {
      let byte = input[offset]
      offset += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
      if shift > 63 { throw .varintTooLong(offset: start) }
    }
    throw .truncated(offset: start)
  }

  @_lifetime(self: copy self)
  mutating func fixed(_ size: Int) throws(WireError) -> UInt64 {
    guard size <= end - offset else { throw .truncated(offset: offset) }
    var value: UInt64 = 0
    for index in 0..<size { value |= UInt64(input[offset + index]) << UInt64(8 * index) }
    offset += size
    return value
  }
}
