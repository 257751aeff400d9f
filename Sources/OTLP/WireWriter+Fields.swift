// SPDX-License-Identifier: Apache-2.0
// Scalars, fields, raw bytes and nested messages.

/// How a field's value is laid out.
@frozen
public enum WireType: UInt64, Sendable {
  case varint = 0
  case fixed64 = 1
  case bytes = 2
  case fixed32 = 5
}

/// A nested message whose length is not known yet.
@frozen
public struct OpenMessage: Sendable {
  @usableFromInline let lengthOffset: Int

  @inlinable
  init(lengthOffset: Int) { self.lengthOffset = lengthOffset }
}

extension WireWriter {
  /// The longest nested message that a padded length of three bytes can name.
  public static let messageSizeMax = 1 << 21 - 1

  // MARK: Values

  @inlinable
  public mutating func byte(_ value: UInt8) {
    guard reserve(1) else { return }
    put(byte: value)
  }

  @inlinable
  public mutating func varint(_ value: UInt64) {
    guard reserve(10) else { return }
    put(varint: value)
  }

  @inlinable
  public mutating func zigzag(_ value: Int64) {
    varint(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
  }

  @inlinable
  public mutating func fixed32(_ value: UInt32) {
    guard reserve(4) else { return }
    put(word: value)
  }

  @inlinable
  public mutating func fixed64(_ value: UInt64) {
    guard reserve(8) else { return }
    put(word: value)
  }

  @inlinable
  public mutating func double(_ value: Double) { fixed64(value.bitPattern) }

  @inlinable
  public mutating func raw(_ template: Template) {
    guard reserve(template.count) else { return }
    put(template: template)
  }

  @unsafe @inlinable
  public mutating func raw(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress, reserve(bytes.count) else { return }
    unsafe put(bytes: start, bytes.count)
  }

  @inlinable
  public mutating func raw(_ bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { unsafe raw($0) }
  }

  @inlinable
  public mutating func raw(_ bytes: [UInt8]) {
    unsafe bytes.withUnsafeBytes { unsafe raw($0) }
  }

  // MARK: Fields

  @inlinable @inline(__always)
  public mutating func tag(_ field: UInt32, _ type: WireType) {
    varint(UInt64(field) << 3 | type.rawValue)
  }

  @inlinable
  public mutating func varint(_ value: UInt64, field: UInt32) {
    tag(field, .varint)
    varint(value)
  }

  @inlinable
  public mutating func zigzag(_ value: Int64, field: UInt32) {
    tag(field, .varint)
    zigzag(value)
  }

  @inlinable
  public mutating func fixed32(_ value: UInt32, field: UInt32) {
    tag(field, .fixed32)
    fixed32(value)
  }

  @inlinable
  public mutating func fixed64(_ value: UInt64, field: UInt32) {
    tag(field, .fixed64)
    fixed64(value)
  }

  @inlinable
  public mutating func double(_ value: Double, field: UInt32) {
    fixed64(value.bitPattern, field: field)
  }

  @inlinable
  public mutating func bytes(_ value: RawSpan, field: UInt32) {
    tag(field, .bytes)
    varint(UInt64(value.byteCount))
    raw(value)
  }

  @inlinable
  public mutating func bytes(_ value: [UInt8], field: UInt32) {
    tag(field, .bytes)
    varint(UInt64(value.count))
    raw(value)
  }

  // MARK: Nested messages

  /// Starts a message whose length is filled in by `close`: three bytes, not minimal.
  @inlinable
  public mutating func open(field: UInt32) -> OpenMessage {
    tag(field, .bytes)
    let offset = count
    if reserve(3) { cursor &+= 3 }
    return OpenMessage(lengthOffset: offset)
  }

  @inlinable
  public mutating func close(_ message: OpenMessage) {
    // After an overflow the length may not even have been reserved; the caller rolls back.
    guard !overflowed else { return }
    let length = count &- message.lengthOffset &- 3
    precondition(length >= 0, "closed behind a rollback")
    guard length <= WireWriter.messageSizeMax else {
      isFull = true
      limit = count
      return
    }
    patch(length: length, at: message.lengthOffset)
  }
}
