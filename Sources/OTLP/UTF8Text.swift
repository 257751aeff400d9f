// SPDX-License-Identifier: Apache-2.0
// UTF-8 as protobuf demands it, from bytes of unknown origin: checked eight bytes at a time while
// they are ASCII, repaired with U+FFFD per maximal ill-formed part (Unicode 3.9, as String does).

/// What is known of some bytes before they are written as a string.
@frozen
public struct UTF8Text: Sendable {
  @usableFromInline let encodedSize: Int
  @usableFromInline let isValid: Bool

  @unsafe @inlinable @inline(__always)
  public init(_ bytes: UnsafeRawBufferPointer) {
    if _fastPath(unsafe UTF8Text.isASCII(bytes)) {
      self.init(encodedSize: bytes.count, isValid: true)
    } else {
      unsafe self.init(scanning: bytes)
    }
  }

  @inlinable
  init(encodedSize: Int, isValid: Bool) {
    self.encodedSize = encodedSize
    self.isValid = isValid
  }

  @unsafe
  @usableFromInline
  init(scanning bytes: UnsafeRawBufferPointer) {
    var size = 0
    var valid = true
    var offset = 0
    while offset < bytes.count {
      let part = unsafe UTF8Text.part(of: bytes, at: offset)
      size += part.isValid ? part.length : 3
      valid = valid && part.isValid
      offset += part.length
    }
    self.init(encodedSize: size, isValid: valid)
  }

  @inlinable @inline(__always)
  static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let start = bytes.baseAddress else { return true }
    let size = bytes.count
    var high: UInt64 = 0
    if size >= 8 {
      var offset = 0
      while offset <= size &- 8 {
        high |= unsafe start.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        offset &+= 8
      }
      // The tail overlaps what was already read.
      high |= unsafe start.loadUnaligned(fromByteOffset: size &- 8, as: UInt64.self)
    } else {
      for offset in 0..<size {
        high |= UInt64(unsafe start.load(fromByteOffset: offset, as: UInt8.self))
      }
    }
    return high & 0x8080_8080_8080_8080 == 0
  }

  /// The sequence at `offset`: its length, or that of the maximal ill-formed part.
  @usableFromInline
  static func part(
    of bytes: UnsafeRawBufferPointer, at offset: Int
  ) -> (length: Int, isValid: Bool) {
    let lead = unsafe bytes[offset]
    if lead < 0x80 { return (1, true) }
    let need: Int
    var second: ClosedRange<UInt8> = 0x80...0xbf
    switch lead {
    case 0xc2...0xdf: need = 2
    case 0xe0: (need, second) = (3, 0xa0...0xbf)
    case 0xed: (need, second) = (3, 0x80...0x9f)
    case 0xe1...0xef: need = 3
    case 0xf0: (need, second) = (4, 0x90...0xbf)
    case 0xf4: (need, second) = (4, 0x80...0x8f)
    case 0xf1...0xf3: need = 4
    default: return (1, false)
    }
    var length = 1
    while length < need {
      guard offset + length < bytes.count else { return (length, false) }
      let next = unsafe bytes[offset + length]
      guard length == 1 ? second.contains(next) : (0x80...0xbf).contains(next) else {
        return (length, false)
      }
      length += 1
    }
    return (need, true)
  }

  /// The first characters of some bytes; an ill-formed part is one, for it becomes one.
  @unsafe
  public static func prefix(
    of bytes: UnsafeRawBufferPointer, characters: Int
  ) -> UnsafeRawBufferPointer {
    var offset = 0
    var count = 0
    while offset < bytes.count, count < characters {
      offset += unsafe part(of: bytes, at: offset).length
      count += 1
    }
    return unsafe UnsafeRawBufferPointer(rebasing: bytes[..<offset])
  }

  @inlinable @inline(__always)
  public static func lengthBeforeNUL(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard let start = bytes.baseAddress else { return 0 }
    let size = bytes.count
    var offset = 0
    while offset <= size &- 8 {
      let word = unsafe start.loadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian
      // The lowest marked byte is exact; borrows spoil only those above it.
      let zeros = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
      if zeros != 0 { return offset &+ zeros.trailingZeroBitCount >> 3 }
      offset &+= 8
    }
    while offset < size, unsafe start.load(fromByteOffset: offset, as: UInt8.self) != 0 {
      offset &+= 1
    }
    return offset
  }
}

extension WireWriter {
  /// Length and bytes; the caller has reserved both.
  @inlinable @inline(__always)
  mutating func put(text: UTF8Text, of bytes: UnsafeRawBufferPointer) {
    put(varint: UInt64(text.encodedSize))
    guard let start = bytes.baseAddress else { return }
    if _fastPath(text.isValid) {
      unsafe put(bytes: start, bytes.count)
    } else {
      unsafe put(repairing: bytes)
    }
  }

  @usableFromInline
  mutating func put(repairing bytes: UnsafeRawBufferPointer) {
    var offset = 0
    while offset < bytes.count {
      let part = unsafe UTF8Text.part(of: bytes, at: offset)
      if part.isValid {
        for index in offset..<offset + part.length { put(byte: unsafe bytes[index]) }
      } else {
        put(byte: 0xef)
        put(byte: 0xbf)
        put(byte: 0xbd)
      }
      offset += part.length
    }
  }

  /// A string field of unknown origin: what is not UTF-8 becomes U+FFFD.
  @unsafe @inlinable
  public mutating func string(lossy value: UnsafeRawBufferPointer, field: UInt32) {
    let text = unsafe UTF8Text(value)
    tag(field, .bytes)
    guard reserve(text.encodedSize &+ 10) else { return }
    unsafe put(text: text, of: value)
  }

  @inlinable
  public mutating func string(lossy value: RawSpan, field: UInt32) {
    unsafe value.withUnsafeBytes { unsafe string(lossy: $0, field: field) }
  }

  /// A string field, for what is written once and not per record.
  public mutating func string(_ value: String, field: UInt32) {
    bytes(Array(value.utf8), field: field)
  }
}
