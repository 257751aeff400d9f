// SPDX-License-Identifier: Apache-2.0
// The histograms that the kernel keeps by slot, and the life of a slot.

internal import CApus
public import CApusABI
internal import CLibbpf
internal import Glibc
internal import Platform

// One key is another if any of its fields differs.
extension apus_slot_key: @retroactive Hashable {
  public static func == (one: apus_slot_key, other: apus_slot_key) -> Bool {
    one.key == other.key && one.device == other.device && one.what == other.what
      && one.part == other.part
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(key)
    hasher.combine(device)
    hasher.combine(what)
    hasher.combine(part)
  }
}

/// What one slot held at one read: replicas summed, counters as they are in the kernel.
public struct SlotReading: ~Copyable {
  /// Free-running, modulo 2^32: the buckets, what is longer, what is shorter.
  public var counters = [UInt32](repeating: 0, count: Int(APUS_HIST_BUCKETS) + 2)
  public var sumNanoseconds: UInt64 = 0
  /// What the probe counts besides: bytes, segments, connects.
  public var amount: UInt64 = 0
  /// nil while nothing was measured.
  public var extremes: (min: UInt64, max: UInt64)?
  public var isEmpty: Bool { amount == 0 && !counters.contains { $0 != 0 } }

  public init() {}

  mutating func clear() {
    for index in counters.indices { counters[index] = 0 }
    sumNanoseconds = 0
    amount = 0
    extremes = nil
  }
}

/// The maps `slots`, `free_slots`, `histograms` and `extremes` of one object.
///
/// A slot is free, or kept for a key; a key that is retired leaves its slot in quarantine for one
/// interval, because a program that is running may still hold its number.
public struct SlotHistograms: ~Copyable {
  private let slots: CInt
  private let free: CInt
  private let histogramMap: CInt
  private let extremeMap: CInt
  private let epochMap: CInt
  private let histograms: MappedArray<apus_hist>
  private let extremes: MappedArray<apus_extremes>
  private let replicas: Int
  private let cpus: Int
  public let slotCount: Int

  /// What an object with these dimensions costs in kernel memory, in bytes.
  public static func bytes(slots: Int, replicas: Int, cpus: Int) -> Int {
    slots * (replicas * MemoryLayout<apus_hist>.stride + cpus * MemoryLayout<apus_extremes>.stride)
      + slots * (MemoryLayout<apus_slot_key>.stride + MemoryLayout<apus_slot>.stride + 4)
  }

  /// Copies per slot: the CPUs' next power of two, at most 8 unless the ceiling says less.
  public static func replicas(cpus: Int) -> Int {
    var count = 1
    while count < min(cpus, 8) { count *= 2 }
    return count
  }

  /// Sets the sizes of an object that is open and not yet loaded.
  public static func size(
    _ object: borrowing BPFObject, slots: Int, replicas: Int, cpus: Int
  ) throws(KernelError) {
    try object.resize("slots", entries: UInt32(slots))
    try object.resize("free_slots", entries: UInt32(slots))
    try object.resize("histograms", entries: UInt32(slots * replicas))
    try object.resize("extremes", entries: UInt32(slots * cpus))
  }

  /// Takes the maps of a loaded object and offers all slots but the overflows'.
  ///
  /// The object must outlive this, and its programs be attached afterwards.
  public init(
    _ object: borrowing BPFObject, slots count: Int, replicas: Int, cpus: Int
  ) throws(KernelError) {
    let free = try object.descriptor(of: "free_slots")
    let slots = try object.descriptor(of: "slots")
    let histogramMap = try object.descriptor(of: "histograms")
    let extremeMap = try object.descriptor(of: "extremes")
    let epochMap = try object.descriptor(of: ".data.epoch")
    let histograms = try MappedArray<apus_hist>(
      "histograms", descriptor: histogramMap, count: count * replicas)
    let extremes = try MappedArray<apus_extremes>(
      "extremes", descriptor: extremeMap, count: count * cpus)
    precondition(count > APUS_SLOT_OVERFLOWS, "no slot beside those for the overflow")
    for slot in UInt32(APUS_SLOT_OVERFLOWS)..<UInt32(count) {
      try SlotHistograms.offer(slot, to: free)
    }
    self.slots = slots
    self.free = free
    self.histogramMap = histogramMap
    self.extremeMap = extremeMap
    self.epochMap = epochMap
    self.histograms = histograms
    self.extremes = extremes
    self.replicas = replicas
    self.cpus = cpus
    slotCount = count
  }

  /// Empties a slot whose key was retired an interval ago, and offers it again.
  public borrowing func recycle(_ slot: UInt32) throws(KernelError) {
    var empty = apus_hist()
    for replica in 0..<UInt32(replicas) {
      var index = slot * UInt32(replicas) + replica
      let code = unsafe bpf_map_update_elem(histogramMap, &index, &empty, UInt64(BPF_ANY))
      guard code == 0 else {
        throw .map("histograms", SystemError("bpf_map_update_elem", code: errno))
      }
    }
    var none = apus_extremes()
    for cpu in 0..<UInt32(cpus) {
      var index = slot * UInt32(cpus) + cpu
      let code = unsafe bpf_map_update_elem(extremeMap, &index, &none, UInt64(BPF_ANY))
      guard code == 0 else {
        throw .map("extremes", SystemError("bpf_map_update_elem", code: errno))
      }
    }
    try offer(slot)
  }

  /// Puts a slot where the kernel takes the next one from.
  private borrowing func offer(_ slot: UInt32) throws(KernelError) {
    try SlotHistograms.offer(slot, to: free)
  }

  private static func offer(_ slot: UInt32, to free: CInt) throws(KernelError) {
    var slot = slot
    let code = unsafe bpf_map_update_elem(free, nil, &slot, UInt64(BPF_ANY))
    guard code == 0 else {
      throw .map("free_slots", SystemError("bpf_map_update_elem", code: errno))
    }
  }

  /// Ends the use of a key; its slot may be offered again one interval later.
  public borrowing func retire(_ key: apus_slot_key) throws(KernelError) {
    var key = key
    // ENOENT is the only failure: the key is gone, which is what was asked.
    unsafe bpf_map_delete_elem(slots, &key)
    // Tasks remember the slot that they last used; a new epoch makes them ask again.
    var index: UInt32 = 0
    var epoch: UInt32 = 0
    guard unsafe bpf_map_lookup_elem(epochMap, &index, &epoch) == 0 else {
      throw .map("epoch", SystemError("bpf_map_lookup_elem", code: errno))
    }
    epoch &+= 1
    guard unsafe bpf_map_update_elem(epochMap, &index, &epoch, UInt64(BPF_ANY)) == 0 else {
      throw .map("epoch", SystemError("bpf_map_update_elem", code: errno))
    }
  }

  /// Calls `body` for each key and its slot, in no order.
  public borrowing func forEachSlot(_ body: (apus_slot_key, apus_slot) -> Void) {
    var key = apus_slot_key()
    var next = apus_slot_key()
    var first = true
    // A key deleted meanwhile restarts the walk at the first; the bound ends it all the same.
    for _ in 0..<(2 * slotCount) {
      let code =
        if first { unsafe bpf_map_get_next_key(slots, nil, &next) } else {
          unsafe bpf_map_get_next_key(slots, &key, &next)
        }
      guard code == 0 else { return }
      first = false
      key = next
      var slot = apus_slot()
      if unsafe bpf_map_lookup_elem(slots, &key, &slot) == 0 { body(key, slot) }
    }
  }

  /// Adds up the replicas of a slot.
  ///
  /// Every counter is read once.
  public borrowing func read(_ slot: Int, into reading: inout SlotReading, adding: Bool = false) {
    if !adding { reading.clear() }
    for replica in 0..<replicas {
      let base = unsafe histograms.pointer(slot * replicas + replica)
      for index in reading.counters.indices {
        reading.counters[index] &+= unsafe capus_load_relaxed_u32(base + 4 * index)
      }
      let sums = unsafe base + 4 * reading.counters.count
      reading.sumNanoseconds &+= unsafe capus_load_relaxed_u64(sums)
      reading.amount &+= unsafe capus_load_relaxed_u64(sums + 8)
    }
    var low: UInt64 = 0
    var high: UInt64 = 0
    for cpu in 0..<cpus {
      let base = unsafe extremes.pointer(slot * cpus + cpu)
      high = max(high, unsafe capus_load_relaxed_u64(base))
      low = max(low, unsafe capus_load_relaxed_u64(base + 8))
    }
    guard low != 0 else { return }
    let earlier = reading.extremes ?? (.max, 0)
    reading.extremes = (min(earlier.min, ~low), max(earlier.max, high))
  }
}
