// SPDX-License-Identifier: Apache-2.0
// Reads a BPF ring buffer in place: no copy, no call per record into libbpf, one release a stretch.

public import CApus
internal import Glibc
internal import Platform

/// Receives one record at a time; the span is dead once the call returns.
///
/// A value rather than an object, so that exclusive access to its state is the compiler's to prove:
/// checked at run time, six accesses a record cost a tenth of the whole path.
public protocol RecordSink: ~Copyable {
  mutating func accept(_ record: RawSpan)
}

/// The consumer's side of one ring.
///
/// Owned by the thread that drains.
///
/// Layout (kernel/bpf/ringbuf.c): a page with the consumer's position, writable; a page with the
/// producers' position; the data twice in a row, so that no record is ever split.
@safe
public struct RingReader: ~Copyable {
  @usableFromInline let consumer: UnsafeMutableRawPointer
  @usableFromInline let producer: UnsafeRawPointer
  @usableFromInline let data: UnsafeRawPointer
  @usableFromInline let mask: UInt64
  @usableFromInline var position: UInt64
  private let page: Int

  /// Maps the ring of `map`, which may be closed afterwards.
  public init(_ map: borrowing SharedMap, bytes: UInt32) throws(KernelError) {
    page = sysconf(CInt(_SC_PAGESIZE))
    let descriptor = map.descriptor.raw
    guard
      let consumer = unsafe mmap(nil, page, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
      unsafe consumer != MAP_FAILED
    else { throw .map(map.name, .current("mmap")) }
    let length = page + 2 * Int(bytes)
    guard let producer = unsafe mmap(nil, length, PROT_READ, MAP_SHARED, descriptor, page),
      unsafe producer != MAP_FAILED
    else {
      let error = SystemError.current("mmap")
      unsafe munmap(consumer, page)
      throw .map(map.name, error)
    }
    unsafe self.consumer = consumer
    unsafe self.producer = UnsafeRawPointer(producer)
    unsafe data = UnsafeRawPointer(producer + page)
    mask = UInt64(bytes) - 1
    position = unsafe capus_load_acquire_u64(consumer)
  }

  deinit {
    unsafe munmap(consumer, page)
    unsafe munmap(UnsafeMutableRawPointer(mutating: producer), page + 2 * Int(mask + 1))
  }

  /// Hands up to `limit` records to `sink`; fewer than `limit` is all that there was.
  ///
  /// Space is given back each eighth of the ring, and at the end: often enough for the producers,
  /// seldom enough that the position's cache line does not travel for each record.
  @inlinable
  public mutating func drain(
    into sink: inout some RecordSink & ~Copyable, limit: Int
  ) -> Int {
    let stretch = (mask + 1) / 8
    var released = position
    var count = 0
    var end = unsafe capus_load_acquire_u64(producer)
    while count < limit {
      if position == end {
        end = unsafe capus_load_acquire_u64(producer)
        if position == end { break }
      }
      let header = unsafe data + Int(position & mask)
      let word = unsafe capus_load_acquire_u32(header)
      if word & 0x8000_0000 != 0 { break }  // reserved, not yet submitted
      let length = Int(word & 0x3fff_ffff)
      if word & 0x4000_0000 == 0 {
        let bytes = unsafe UnsafeRawBufferPointer(start: header + 8, count: length)
        sink.accept(unsafe RawSpan(_unsafeBytes: bytes))
        count += 1
      }
      position &+= UInt64((length + 8 + 7) & ~7)
      if position &- released >= stretch {
        unsafe capus_store_release_u64(consumer, position)
        released = position
      }
    }
    if position != released { unsafe capus_store_release_u64(consumer, position) }
    return count
  }
}
