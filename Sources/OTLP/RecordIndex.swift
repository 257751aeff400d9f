// SPDX-License-Identifier: Apache-2.0
// Which record of an open batch belongs to whom: tables of fixed capacity, chained so that sealing
// neither sorts nor copies. Owned by a builder, so by its thread.

/// An encoded record in the arena.
struct RecordEntry {
  var offset: UInt32
  var count: UInt32
  /// The next record of the same workload and scope.
  var next: UInt32 = RecordIndex.none
  var workload: UInt32
  var scope: UInt8
  var kind: UInt8
  var isHeld = false
}

/// The records of one workload and scope, in order of arrival.
struct RecordGroup {
  var workload: UInt32
  var scope: UInt8
  var first: UInt32
  var last: UInt32
  var recordCount: UInt32
  var byteCount: UInt32
  /// The same workload's group of another scope.
  var nextScope: UInt16 = RecordIndex.noGroup
  /// The workload's first group, which the table points to.
  var isPrimary: Bool
}

@safe
struct RecordIndex: ~Copyable {
  static let none = UInt32.max
  static let noGroup = UInt16.max

  private let entries: UnsafeMutableBufferPointer<RecordEntry>
  private let groups: UnsafeMutableBufferPointer<RecordGroup>
  /// Open addressing by workload, at most half full: a group, or `noGroup`.
  private let table: UnsafeMutableBufferPointer<UInt16>
  private(set) var recordCount = 0
  private(set) var groupCount = 0
  /// Records come in runs of the same workload.
  private var recent = RecordIndex.noGroup

  init(recordsMax: Int, groupsMax: Int) {
    precondition(recordsMax > 0 && groupsMax > 0 && groupsMax < 1 << 14, "index capacity")
    unsafe entries = .allocate(capacity: recordsMax)
    unsafe groups = .allocate(capacity: groupsMax)
    var size = 4
    while size < groupsMax * 2 { size *= 2 }
    unsafe table = .allocate(capacity: size)
    unsafe table.initialize(repeating: RecordIndex.noGroup)
  }

  deinit {
    unsafe entries.deallocate()
    unsafe groups.deallocate()
    unsafe table.deallocate()
  }

  var isFull: Bool { unsafe recordCount == entries.count }

  func entry(_ index: UInt32) -> RecordEntry {
    precondition(index < recordCount, "record index")
    return unsafe entries[Int(index)]
  }

  func group(_ index: Int) -> RecordGroup {
    precondition(index < groupCount, "group index")
    return unsafe groups[index]
  }

  /// False when a new workload or scope finds no room.
  // The thread sanitizer's build breaks where an element of a noncopyable struct's own pointer is
  // changed (swiftlang/swift#86265), so what changes elements copies the pointers first.
  mutating func append(_ entry: RecordEntry) -> Bool {
    guard !isFull, let index = findGroup(entry.workload, entry.scope) else { return false }
    let (entries, groups) = unsafe (entries, groups)
    let record = UInt32(recordCount)
    unsafe entries.initializeElement(at: recordCount, to: entry)
    recordCount += 1
    recent = UInt16(index)
    let last = unsafe groups[index].last
    if last == RecordIndex.none {
      unsafe groups[index].first = record
    } else {
      unsafe entries[Int(last)].next = record
    }
    unsafe groups[index].last = record
    unsafe groups[index].recordCount += 1
    unsafe groups[index].byteCount += entry.count
    return true
  }

  private mutating func findGroup(_ workload: UInt32, _ scope: UInt8) -> Int? {
    if recent != RecordIndex.noGroup {
      let group = unsafe groups[Int(recent)]
      if group.workload == workload, group.scope == scope { return Int(recent) }
    }
    let mask = unsafe table.count - 1
    var slot = Int(truncatingIfNeeded: (workload &* 0x9e37_79b1) >> 12) & mask
    while true {
      let primary = unsafe table[slot]
      if primary == RecordIndex.noGroup { break }
      if unsafe groups[Int(primary)].workload == workload {
        return findScope(scope, of: workload, from: Int(primary))
      }
      slot = (slot + 1) & mask
    }
    guard let index = addGroup(workload, scope, isPrimary: true) else { return nil }
    unsafe table[slot] = UInt16(index)
    return index
  }

  private mutating func findScope(_ scope: UInt8, of workload: UInt32, from primary: Int) -> Int? {
    let groups = unsafe groups
    var index = primary
    while unsafe groups[index].scope != scope {
      let next = unsafe groups[index].nextScope
      if next == RecordIndex.noGroup {
        guard let added = addGroup(workload, scope, isPrimary: false) else { return nil }
        unsafe groups[index].nextScope = UInt16(added)
        return added
      }
      index = Int(next)
    }
    return index
  }

  private mutating func addGroup(_ workload: UInt32, _ scope: UInt8, isPrimary: Bool) -> Int? {
    guard unsafe groupCount < groups.count else { return nil }
    unsafe groups.initializeElement(
      at: groupCount,
      to: RecordGroup(
        workload: workload, scope: scope, first: RecordIndex.none, last: RecordIndex.none,
        recordCount: 0, byteCount: 0, isPrimary: isPrimary))
    groupCount += 1
    return groupCount - 1
  }

  /// Marks all records of the workload whose first group is `primary`.
  mutating func hold(_ primary: Int) {
    let (entries, groups) = unsafe (entries, groups)
    var index = UInt16(primary)
    while index != RecordIndex.noGroup {
      var record = unsafe groups[Int(index)].first
      while record != RecordIndex.none {
        unsafe entries[Int(record)].isHeld = true
        record = unsafe entries[Int(record)].next
      }
      index = unsafe groups[Int(index)].nextScope
    }
  }

  mutating func removeAll() {
    if groupCount > 0 { unsafe table.update(repeating: RecordIndex.noGroup) }
    recordCount = 0
    groupCount = 0
    recent = RecordIndex.noGroup
  }

  /// Forgets everything but the held records; their bytes go to the start of the target.
  ///
  /// Returns how many bytes that are. Source and target may be the same memory: records only move
  /// down.
  mutating func carryHeld(
    from source: UnsafeMutableRawBufferPointer, to target: UnsafeMutableRawBufferPointer
  ) -> Int {
    let total = recordCount
    var end = 0
    removeAll()
    for index in 0..<total {
      // Read before `append` overwrites it: the new position is never above the old one.
      var entry = unsafe entries[index]
      guard entry.isHeld else { continue }
      let offset = Int(entry.offset)
      let count = Int(entry.count)
      unsafe UnsafeMutableRawBufferPointer(rebasing: target[end..<end + count])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[offset..<offset + count]))
      entry.offset = UInt32(end)
      entry.next = RecordIndex.none
      entry.isHeld = false
      let kept = append(entry)
      precondition(kept, "fewer records and groups than before")
      end += count
    }
    return end
  }
}
