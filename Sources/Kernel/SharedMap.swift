// SPDX-License-Identifier: Apache-2.0
// Maps that outlive and join several objects: the way of records, the ledger, sockets' owners.

public import CApusABI
internal import CLibbpf
internal import Glibc
public import Platform

/// A map created by the agent itself and handed to each object.
public struct SharedMap: ~Copyable {
  public let name: StaticString
  public let descriptor: Descriptor

  /// A ring buffer of `bytes`, a power of two and a multiple of the page.
  public static func ring(bytes: UInt32) throws(KernelError) -> SharedMap {
    try SharedMap("events", BPF_MAP_TYPE_RINGBUF, key: 0, value: 0, entries: bytes)
  }

  /// Where perf buffers are hung up, one for each CPU.
  public static func perfEvents() throws(KernelError) -> SharedMap {
    try SharedMap(
      "perf_events", BPF_MAP_TYPE_PERF_EVENT_ARRAY, key: 4, value: 4,
      entries: UInt32(Features.possibleCPUs))
  }

  /// Whose sockets are, by the socket's address in the kernel; the least used are forgotten.
  public static func owners(count: Int) throws(KernelError) -> SharedMap {
    try SharedMap(
      "owners", BPF_MAP_TYPE_LRU_HASH, key: 8, value: UInt32(MemoryLayout<apus_owner>.size),
      entries: UInt32(count))
  }

  /// The per-CPU loss ledger, a cell for each kind.
  public static func ledger() throws(KernelError) -> SharedMap {
    try SharedMap(
      "ledger", BPF_MAP_TYPE_PERCPU_ARRAY, key: 4,
      value: UInt32(MemoryLayout<apus_ledger_cell>.size), entries: UInt32(APUS_KIND_COUNT.rawValue))
  }

  private init(
    _ name: StaticString, _ type: bpf_map_type, key: UInt32, value: UInt32, entries: UInt32
  ) throws(KernelError) {
    let code = unsafe bpf_map_create(
      type, UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self), key, value,
      entries, nil)
    guard code >= 0 else { throw .map(name, SystemError("bpf_map_create", code: errno)) }
    self.name = name
    descriptor = Descriptor(owning: code)
  }
}

/// Reads the kernel half of the ledger.
///
/// Any one thread at a time.
public struct LedgerReader: ~Copyable {
  private let descriptor: CInt
  private var cells: [apus_ledger_cell]

  /// Borrows the map: it must outlive the reader.
  public init(_ map: borrowing SharedMap) {
    descriptor = map.descriptor.raw
    cells = Array(repeating: apus_ledger_cell(), count: Features.possibleCPUs)
  }

  /// The cell of one kind, summed over CPUs.
  public mutating func read(kind: UInt32) throws(KernelError) -> apus_ledger_cell {
    var key = kind
    let code = unsafe cells.withUnsafeMutableBytes { room in
      unsafe bpf_map_lookup_elem(descriptor, &key, room.baseAddress)
    }
    guard code == 0 else { throw .map("ledger", SystemError("bpf_map_lookup_elem", code: errno)) }
    var sum = apus_ledger_cell()
    for cell in cells {
      sum.produced &+= cell.produced
      sum.filtered_self &+= cell.filtered_self
      sum.filtered_scope &+= cell.filtered_scope
      sum.ring_full &+= cell.ring_full
      sum.untracked &+= cell.untracked
    }
    return sum
  }
}
