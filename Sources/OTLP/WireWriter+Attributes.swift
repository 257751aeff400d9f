// SPDX-License-Identifier: Apache-2.0
// KeyValue pairs with their exact lengths: one bound check and no nested marks for scalars.

extension WireWriter {
  /// Tag, length of the pair, name and the tag of the value; `valueSize` is AnyValue's size.
  @inlinable @inline(__always)
  mutating func put(_ key: AttributeKey, valueSize: Int) {
    let size = key.name.count &+ WireWriter.varintSize(UInt64(valueSize)) &+ valueSize
    put(byte: key.tag)
    put(varint: UInt64(size))
    put(template: key.name)
    put(varint: UInt64(valueSize))
  }

  @inlinable
  public mutating func attribute(_ key: AttributeKey, int value: Int64) {
    let bits = UInt64(bitPattern: value)
    guard reserve(key.name.count &+ 24) else { return }
    put(key, valueSize: 1 &+ WireWriter.varintSize(bits))
    put(byte: 0x18)
    put(varint: bits)
  }

  @inlinable
  public mutating func attribute(_ key: AttributeKey, bool value: Bool) {
    guard reserve(key.name.count &+ 16) else { return }
    put(key, valueSize: 2)
    put(byte: 0x10)
    put(byte: value ? 1 : 0)
  }

  @inlinable
  public mutating func attribute(_ key: AttributeKey, double value: Double) {
    guard reserve(key.name.count &+ 24) else { return }
    put(key, valueSize: 9)
    put(byte: 0x21)
    put(word: value.bitPattern)
  }

  /// A string that is known to be valid UTF-8.
  @inlinable
  public mutating func attribute(_ key: AttributeKey, string value: Template) {
    guard reserve(key.name.count &+ value.count &+ 24) else { return }
    put(key, valueSize: 1 &+ WireWriter.varintSize(UInt64(value.count)) &+ value.count)
    put(byte: 0x0a)
    put(varint: UInt64(value.count))
    put(template: value)
  }

  /// A string of unknown origin: what is not UTF-8 becomes U+FFFD.
  @unsafe @inlinable
  public mutating func attribute(_ key: AttributeKey, lossy value: UnsafeRawBufferPointer) {
    let text = unsafe UTF8Text(value)
    guard reserve(key.name.count &+ text.encodedSize &+ 24) else { return }
    put(key, valueSize: 1 &+ WireWriter.varintSize(UInt64(text.encodedSize)) &+ text.encodedSize)
    put(byte: 0x0a)
    unsafe put(text: text, of: value)
  }

  @inlinable
  public mutating func attribute(_ key: AttributeKey, lossy value: RawSpan) {
    unsafe value.withUnsafeBytes { unsafe attribute(key, lossy: $0) }
  }

  // MARK: Arrays of strings

  @inlinable
  public mutating func openArray(_ key: AttributeKey) -> OpenArray {
    guard reserve(key.name.count &+ 16) else { return OpenArray(offset: count) }
    let offset = count
    put(byte: key.tag)
    cursor &+= 3
    put(template: key.name)
    cursor &+= 3
    put(byte: 0x2a)
    cursor &+= 3
    return OpenArray(offset: offset)
  }

  /// An element of the array that is open.
  @unsafe @inlinable
  public mutating func element(lossy value: UnsafeRawBufferPointer) {
    let text = unsafe UTF8Text(value)
    guard reserve(text.encodedSize &+ 16) else { return }
    put(byte: 0x0a)
    put(varint: UInt64(1 &+ WireWriter.varintSize(UInt64(text.encodedSize)) &+ text.encodedSize))
    put(byte: 0x0a)
    unsafe put(text: text, of: value)
  }

  @inlinable
  public mutating func element(lossy value: RawSpan) {
    unsafe value.withUnsafeBytes { unsafe element(lossy: $0) }
  }

  /// An element that is known to be valid UTF-8.
  @inlinable
  public mutating func element(_ value: Template) {
    guard reserve(value.count &+ 16) else { return }
    put(byte: 0x0a)
    put(varint: UInt64(1 &+ WireWriter.varintSize(UInt64(value.count)) &+ value.count))
    put(byte: 0x0a)
    put(varint: UInt64(value.count))
    put(template: value)
  }

  @inlinable
  public mutating func close(_ array: OpenArray, of key: AttributeKey) {
    guard !overflowed else { return }
    let pair = array.offset &+ 4
    let any = pair &+ key.name.count &+ 3
    let list = any &+ 4
    precondition(count >= list, "closed behind a rollback")
    guard count &- pair <= WireWriter.messageSizeMax else {
      isFull = true
      limit = count
      return
    }
    patch(length: count &- pair, at: array.offset &+ 1)
    patch(length: count &- any, at: any &- 3)
    patch(length: count &- list, at: list &- 3)
  }

  /// One element per NUL-ended string; a last one without NUL is an element too.
  @unsafe @inlinable
  public mutating func attribute(
    _ key: AttributeKey, nulSeparated value: UnsafeRawBufferPointer
  ) {
    let array = openArray(key)
    var start = 0
    while start < value.count {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: value[start...])
      let length = unsafe UTF8Text.lengthBeforeNUL(rest)
      unsafe element(lossy: UnsafeRawBufferPointer(rebasing: rest[..<length]))
      start += length + 1
    }
    close(array, of: key)
  }

  @inlinable
  public mutating func attribute(_ key: AttributeKey, nulSeparated value: RawSpan) {
    unsafe value.withUnsafeBytes { unsafe attribute(key, nulSeparated: $0) }
  }
}

/// An attribute whose value is an array that is still being written.
@frozen
public struct OpenArray: Sendable {
  @usableFromInline let offset: Int

  @inlinable
  init(offset: Int) { self.offset = offset }
}
