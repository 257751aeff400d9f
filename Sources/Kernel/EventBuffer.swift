// SPDX-License-Identifier: Apache-2.0
// The way of records out of the kernel: a ring, or perf buffers where there is none.

internal import CLibbpf
internal import Glibc
internal import Platform

/// Where the kernel half writes records.
///
/// Made once, shared by all objects.
public struct EventBuffer: ~Copyable {
  /// Named `events` or `perf_events`, as in the objects.
  let map: SharedMap
  public let isPerf: Bool
  /// Of the ring, or of the buffers of all CPUs together.
  public let byteCount: Int
  /// How much may wait before the reader is woken.
  public let wakeBytes: Int

  /// A buffer of about `bytes`, a power of two; `isPerf` nil takes perf buffers only where the
  /// kernel has no ring.
  public init(bytes: Int, isPerf wanted: Bool?) throws(KernelError) {
    let isPerf = wanted ?? !EventBuffer.hasRing
    if isPerf {
      let cpus = Features.possibleCPUs
      let each = PerfReader.bytesPerCPU(total: bytes, cpus: cpus)
      map = try SharedMap.perfEvents()
      byteCount = each * cpus
      wakeBytes = each / 4
    } else {
      map = try SharedMap.ring(bytes: UInt32(bytes))
      byteCount = bytes
      wakeBytes = bytes / 4
    }
    self.isPerf = isPerf
  }

  /// BPF_MAP_TYPE_RINGBUF came with 5.8.
  ///
  /// Who may not make maps cannot try, and looks the ring's type up.
  public static let hasRing: Bool =
    libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, nil) == 1
    || KernelTypes()?.has(struct: "bpf_ringbuf", memberAmong: ["consumer_pos"]) ?? false

  /// The map's, borrowed.
  public var descriptor: CInt { map.descriptor.raw }

  /// The consumer's side; one at a time.
  public borrowing func makeReader() throws(KernelError) -> EventReader {
    if isPerf {
      let each = byteCount / Features.possibleCPUs
      return .perf(try PerfReader(map, bytesPerCPU: each, wakeBytes: wakeBytes))
    }
    return .ring(try RingReader(map, bytes: UInt32(byteCount)), descriptor: map.descriptor.raw)
  }
}

/// The consumer's side of either.
///
/// Owned by the thread that drains.
public enum EventReader: ~Copyable {
  /// The descriptor is the map's, which outlives the reader.
  case ring(RingReader, descriptor: CInt)
  case perf(PerfReader)

  /// Hands up to `limit` records to `sink`; fewer than `limit` is all that there was.
  @inlinable
  public mutating func drain(into sink: inout some RecordSink & ~Copyable, limit: Int) -> Int {
    switch consume self {
    case .ring(var reader, let descriptor):
      let count = reader.drain(into: &sink, limit: limit)
      self = .ring(reader, descriptor: descriptor)
      return count
    case .perf(var reader):
      let count = reader.drain(into: &sink, limit: limit)
      self = .perf(reader)
      return count
    }
  }

  /// What becomes readable when the kernel wakes the reader.
  var descriptors: [CInt] {
    switch self {
    case .ring(_, let descriptor): [descriptor]
    case .perf(let reader): reader.descriptors
    }
  }
}
