// SPDX-License-Identifier: Apache-2.0
// The borrowed view of a record in the ring's memory.

/// Why a record could not be read.
public enum DecodeError: Error, Equatable {
  case truncated(have: Int, need: Int)
}

/// A borrowed record whose fields are those of the C struct `Layout`.
///
/// It points into a ring slot and cannot outlive it.
@safe
@dynamicMemberLookup
@frozen
public struct Record<Layout: BitwiseCopyable>: ~Escapable {
  @usableFromInline
  let bytes: RawSpan

  /// Refuses a span shorter than `Layout`.
  @inlinable
  @_lifetime(copy bytes)
  public init(_ bytes: RawSpan) throws(DecodeError) {
    let need = MemoryLayout<Layout>.size
    guard bytes.byteCount >= need else { throw .truncated(have: bytes.byteCount, need: need) }
    self.bytes = bytes
  }

  /// Reads one field in place.
  ///
  /// The path must be a literal at the call, or the read is slow.
  @inlinable
  public subscript<Field: BitwiseCopyable>(dynamicMember path: KeyPath<Layout, Field>) -> Field {
    unsafe bytes.withUnsafeBytes { raw in
      unsafe raw.load(as: Layout.self)[keyPath: path]
    }
  }

  /// What follows the fixed part of the record.
  @inlinable
  public var payload: RawSpan {
    @_lifetime(copy self)
    get { bytes.extracting(droppingFirst: MemoryLayout<Layout>.size) }
  }
}
