// SPDX-License-Identifier: Apache-2.0
// Reads the perf buffers that stand in for a ring: one per CPU.

public import CApus
internal import CLibbpf
internal import Glibc
internal import Platform

/// The consumer's side of one buffer for each CPU that is online.
///
/// Owned by the thread that drains.
///
/// Layout (include/uapi/linux/perf_event.h): a page of control with the positions, then the data,
/// once. A record may lie in two pieces round the end, and its sample begins four bytes behind an
/// aligned address, where no field can be read in place: each is copied, unlike a ring's.
@safe
public struct PerfReader: ~Copyable {
  /// Of `struct perf_event_mmap_page`.
  @usableFromInline static let headOffset = 1024
  @usableFromInline static let tailOffset = 1032

  @usableFromInline
  @safe
  struct Buffer {
    let descriptor: CInt
    @usableFromInline let control: UnsafeMutableRawPointer
    @usableFromInline let data: UnsafeRawPointer
  }

  @usableFromInline let buffers: [Buffer]
  /// Of one buffer's data, a power of two.
  @usableFromInline let size: Int
  /// One sample, in one piece and aligned.
  @usableFromInline let sample: UnsafeMutableRawBufferPointer
  /// Where the next turn begins: a busy CPU must not keep the others waiting.
  @usableFromInline var next = 0
  private let page: Int

  /// The largest record that the kernel hands over: its header counts in 16 bits.
  private static let recordBytesMax = 65_536

  /// Bytes of one CPU's buffer when all together may have `total`.
  public static func bytesPerCPU(total: Int, cpus: Int) -> Int {
    // Less would not hold the longest record and another one.
    var bytes = recordBytesMax
    while bytes * 2 * cpus <= total { bytes *= 2 }
    return bytes
  }

  /// Opens a buffer on each CPU that is online and hands it to `map`.
  ///
  /// The reader is woken when `wakeBytes` wait in one of them.
  public init(
    _ map: borrowing SharedMap, bytesPerCPU: Int, wakeBytes: Int
  ) throws(KernelError) {
    page = sysconf(CInt(_SC_PAGESIZE))
    size = bytesPerCPU
    var buffers: [Buffer] = []
    var failure: KernelError?
    for cpu in 0..<CInt(Features.possibleCPUs) {
      do throws(SystemError) {
        guard
          let buffer = try PerfReader.open(
            cpu, length: page + bytesPerCPU, page: page, wakeBytes: wakeBytes)
        else { continue }
        buffers.append(buffer)
        var key = UInt32(cpu)
        var value = UInt32(buffer.descriptor)
        guard unsafe bpf_map_update_elem(map.descriptor.raw, &key, &value, UInt64(BPF_ANY)) == 0
        else { throw .current("bpf_map_update_elem") }
      } catch {
        failure = .map(map.name, error)
        break
      }
    }
    self.buffers = buffers
    unsafe sample = .allocate(byteCount: PerfReader.recordBytesMax, alignment: 8)
    // Everything is in place, so what was opened is closed by deinit.
    if let failure { throw failure }
  }

  deinit {
    for index in buffers.indices {
      unsafe munmap(buffers[index].control, page + size)
      close(buffers[index].descriptor)
    }
    unsafe sample.deallocate()
  }

  /// Becomes readable when the kernel wakes the reader.
  var descriptors: [CInt] { buffers.indices.map { buffers[$0].descriptor } }

  /// nil for a CPU that is possible but not online.
  private static func open(
    _ cpu: CInt, length: Int, page: Int, wakeBytes: Int
  ) throws(SystemError) -> Buffer? {
    let descriptor = capus_perf_output(cpu, UInt32(clamping: wakeBytes))
    if descriptor < 0, errno == ENODEV { return nil }
    guard descriptor >= 0 else { throw .current("perf_event_open") }
    guard
      let control = unsafe mmap(
        nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
      unsafe control != MAP_FAILED
    else {
      let error = SystemError.current("mmap")
      close(descriptor)
      throw error
    }
    return unsafe Buffer(
      descriptor: descriptor, control: control, data: UnsafeRawPointer(control + page))
  }

  /// Hands up to `limit` records to `sink`; fewer than `limit` is all that there was.
  @inlinable
  public mutating func drain(into sink: inout some RecordSink & ~Copyable, limit: Int) -> Int {
    var count = 0
    for _ in 0..<(buffers.count) {
      if count == limit { break }
      count += drain(buffer: next, into: &sink, limit: limit - count)
      next = next + 1 == buffers.count ? 0 : next + 1
    }
    return count
  }

  @inlinable
  mutating func drain(
    buffer index: Int, into sink: inout some RecordSink & ~Copyable, limit: Int
  ) -> Int {
    let control = unsafe buffers[index].control
    let data = unsafe buffers[index].data
    let head = unsafe capus_load_acquire_u64(control + PerfReader.headOffset)
    var tail = unsafe capus_load_relaxed_u64(control + PerfReader.tailOffset)
    let stretch = UInt64(size) / 8
    var released = tail
    var count = 0
    while tail != head, count < limit {
      let start = Int(tail & UInt64(size - 1))
      // Records are aligned to eight bytes, so their headers are never in two pieces.
      let type = unsafe (data + start).load(as: UInt32.self)
      let length = Int(unsafe (data + start + 6).load(as: UInt16.self))
      // PERF_RECORD_SAMPLE is 9; what else there is tells of losses, which the kernel half counts.
      if type == 9 {
        // One whose sizes contradict each other is empty: cut short, which the sink counts.
        unsafe sink.accept(RawSpan(_unsafeBytes: copy(data, start, length)))
        count += 1
      }
      tail &+= UInt64(length)
      if tail &- released >= stretch {
        unsafe capus_store_release_u64(control + PerfReader.tailOffset, tail)
        released = tail
      }
    }
    unsafe capus_store_release_u64(control + PerfReader.tailOffset, tail)
    return count
  }

  /// The record in the sample at `start`; empty when the sizes contradict each other.
  ///
  /// The kernel pads samples; what a record of ours begins with says where it ends.
  @usableFromInline
  func copy(_ data: UnsafeRawPointer, _ start: Int, _ length: Int) -> UnsafeRawBufferPointer {
    // The sample's own size stands behind the header, aligned alike, and so never in two pieces.
    let sizeAt = (start + 8) & (size - 1)
    let count = Int(unsafe (data + sizeAt).load(as: UInt32.self))
    guard count >= 4, count <= length - 12, let target = unsafe sample.baseAddress else {
      return unsafe UnsafeRawBufferPointer(start: sample.baseAddress, count: 0)
    }
    let first = (start + 12) & (size - 1)
    let whole = min(count, size - first)
    unsafe target.copyMemory(from: data + first, byteCount: whole)
    unsafe (target + whole).copyMemory(from: data, byteCount: count - whole)
    let size = Int(unsafe target.load(as: UInt32.self))
    return unsafe UnsafeRawBufferPointer(start: target, count: min(count, size))
  }
}
