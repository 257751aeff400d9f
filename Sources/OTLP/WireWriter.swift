// SPDX-License-Identifier: Apache-2.0
// Writes protobuf forward into memory that someone else owns: no allocation, no throwing, and a
// bound that is checked once per field. What does not fit sets `overflowed`; nothing is half lost.

/// A protobuf writer over a buffer of fixed capacity.
///
/// After an overflow every write is ignored until the caller rolls back to a mark, so a caller may
/// encode a whole record and look at `overflowed` once at its end.
@safe @frozen
public struct WireWriter: ~Copyable {
  /// Bytes at the end of the buffer that are never part of the output: short copies store whole
  /// words, which is several times cheaper than a call of memcpy for each key.
  public static let slack = 32

  @usableFromInline let base: UnsafeMutableRawPointer
  public let capacity: Int
  /// `capacity`, or `count` once something did not fit: one comparison serves both cases.
  @usableFromInline var limit: Int
  @usableFromInline var cursor: Int
  @usableFromInline var isFull: Bool

  /// The memory must outlive the writer; its last `slack` bytes are not used for output.
  @unsafe @inlinable
  public init(_ buffer: UnsafeMutableRawBufferPointer) {
    precondition(buffer.count >= WireWriter.slack, "no room for the slack")
    guard let base = buffer.baseAddress else { preconditionFailure("no memory") }
    unsafe self.base = base
    self.capacity = buffer.count - WireWriter.slack
    self.limit = buffer.count - WireWriter.slack
    self.cursor = 0
    self.isFull = false
  }

  /// What was written so far.
  public var written: UnsafeRawBufferPointer {
    @unsafe @inlinable get { unsafe UnsafeRawBufferPointer(start: base, count: count) }
  }

  /// Bytes written so far: a mark for `rollback`.
  public var count: Int { @inlinable get { cursor } }

  /// Something did not fit since the last rollback.
  public var overflowed: Bool { @inlinable get { isFull } }

  public var remaining: Int { @inlinable get { capacity - count } }

  /// Forgets everything that was written after `mark` (an earlier `count`) and any overflow.
  @inlinable
  public mutating func rollback(to mark: Int) {
    precondition(mark >= 0 && mark <= count, "a mark lies behind the cursor")
    cursor = mark
    limit = capacity
    isFull = false
  }

  /// Counts bytes that were put into an empty buffer by other means.
  mutating func skip(_ size: Int) {
    precondition(size >= 0 && size <= capacity - cursor, "more than the capacity")
    cursor += size
  }

  // MARK: Bounds

  @inlinable @inline(__always)
  mutating func reserve(_ size: Int) -> Bool {
    if _fastPath(size <= limit &- count) { return true }
    isFull = true
    limit = count
    return false
  }

  // MARK: Unchecked stores; the caller has reserved.

  @inlinable @inline(__always)
  mutating func put(byte value: UInt8) {
    unsafe base.storeBytes(of: value, toByteOffset: count, as: UInt8.self)
    cursor &+= 1
  }

  @inlinable @inline(__always)
  mutating func put(varint value: UInt64) {
    var rest = value
    while _slowPath(rest >= 0x80) {
      put(byte: UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    put(byte: UInt8(truncatingIfNeeded: rest))
  }

  @inlinable @inline(__always)
  mutating func put<Word: FixedWidthInteger & BitwiseCopyable>(word value: Word) {
    unsafe base.storeBytes(of: value.littleEndian, toByteOffset: count, as: Word.self)
    cursor &+= MemoryLayout<Word>.size
  }

  /// Stores whole 16-byte words; both the template's padding and the slack make that safe.
  @inlinable @inline(__always)
  mutating func put(template: Template) {
    var done = 0
    repeat {
      let words = unsafe template.bytes.loadUnaligned(fromByteOffset: done, as: SIMD2<UInt64>.self)
      unsafe base.storeBytes(of: words, toByteOffset: count &+ done, as: SIMD2<UInt64>.self)
      done &+= 16
    } while done < template.count
    cursor &+= template.count
  }

  @inlinable @inline(__always)
  mutating func put(bytes source: UnsafeRawPointer, _ size: Int) {
    let target = unsafe base + count
    cursor &+= size
    if _fastPath(size <= 16) {
      return unsafe WireWriter.copyShort(from: source, to: target, size)
    }
    if size <= 32 {
      // Two overlapping halves instead of a loop.
      let head = unsafe source.loadUnaligned(as: SIMD2<UInt64>.self)
      let tail = unsafe source.loadUnaligned(
        fromByteOffset: size &- 16, as: SIMD2<UInt64>.self)
      unsafe target.storeBytes(of: head, as: SIMD2<UInt64>.self)
      unsafe target.storeBytes(of: tail, toByteOffset: size &- 16, as: SIMD2<UInt64>.self)
      return
    }
    unsafe target.copyMemory(from: source, byteCount: size)
  }

  /// Copies at most 16 bytes without reading outside the source.
  @inlinable @inline(__always)
  static func copyShort(
    from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, _ size: Int
  ) {
    if size >= 8 {
      let head = unsafe source.loadUnaligned(as: UInt64.self)
      let tail = unsafe source.loadUnaligned(fromByteOffset: size &- 8, as: UInt64.self)
      unsafe target.storeBytes(of: head, as: UInt64.self)
      unsafe target.storeBytes(of: tail, toByteOffset: size &- 8, as: UInt64.self)
    } else if size >= 4 {
      let head = unsafe source.loadUnaligned(as: UInt32.self)
      let tail = unsafe source.loadUnaligned(fromByteOffset: size &- 4, as: UInt32.self)
      unsafe target.storeBytes(of: head, as: UInt32.self)
      unsafe target.storeBytes(of: tail, toByteOffset: size &- 4, as: UInt32.self)
    } else {
      for offset in 0..<size {
        let byte = unsafe source.load(fromByteOffset: offset, as: UInt8.self)
        unsafe target.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
      }
    }
  }

  /// Overwrites a reserved length of three bytes: protobuf accepts varints that are not minimal.
  @inlinable @inline(__always)
  func patch(length: Int, at offset: Int) {
    let low = UInt8(truncatingIfNeeded: length) | 0x80
    let middle = UInt8(truncatingIfNeeded: length >> 7) | 0x80
    let high = UInt8(truncatingIfNeeded: length >> 14)
    unsafe base.storeBytes(of: low, toByteOffset: offset, as: UInt8.self)
    unsafe base.storeBytes(of: middle, toByteOffset: offset &+ 1, as: UInt8.self)
    unsafe base.storeBytes(of: high, toByteOffset: offset &+ 2, as: UInt8.self)
  }

  /// Encoded size of a varint.
  @inlinable @inline(__always)
  public static func varintSize(_ value: UInt64) -> Int {
    // Bits, rounded up to groups of seven; 0 has one group.
    let bits = 64 &- (value | 1).leadingZeroBitCount
    return (bits &* 9 &+ 64) >> 6
  }
}
