// SPDX-License-Identifier: Apache-2.0
// Which disks histograms are kept of: a number outlives its disk, and may be given to the next one.

internal import Platform

/// Owned by the sample thread.
struct Disks {
  /// A disk that is gone is still exported this long, as is a cgroup.
  static let keptNanoseconds = GoneCgroups.keptNanoseconds

  private struct Known {
    /// nil of one that was gone when it was first asked about.
    let disk: DiskIdentity?
    let goneSince: UInt64?
  }

  private let look: (UInt32) -> DiskIdentity?
  /// Of numbers that have a slot.
  private var known: [UInt32: Known] = [:]

  init(look: @escaping (UInt32) -> DiskIdentity? = { BlockDevice(number: $0).identity }) {
    self.look = look
  }

  /// To be told before a disk is asked for its name, which then is of this one or a later one.
  mutating func note(_ number: UInt32) {
    guard number != 0, known[number] == nil else { return }
    known[number] = Known(disk: look(number), goneSince: nil)
  }

  /// Looks at all again: those that are not what they were, or that have long been gone.
  ///
  /// They are forgotten, as are those that are not among `used`.
  mutating func ended(among used: Set<UInt32>, now: UInt64) -> Set<UInt32> {
    var ended: Set<UInt32> = []
    for (number, entry) in known {
      guard used.contains(number) else {
        known[number] = nil
        continue
      }
      let disk = look(number)
      let goneSince = disk == nil ? entry.goneSince ?? now : nil
      let isEnded = goneSince.map { now - $0 >= Disks.keptNanoseconds } ?? (disk != entry.disk)
      known[number] = isEnded ? nil : Known(disk: entry.disk, goneSince: goneSince)
      if isEnded { ended.insert(number) }
    }
    return ended
  }
}
