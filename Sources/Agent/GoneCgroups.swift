// SPDX-License-Identifier: Apache-2.0
// Which cgroups are no more, and for how long.

internal import Identity

/// Owned by the sample thread.
struct GoneCgroups {
  /// A cgroup that is gone is still exported this long, so that its last counts arrive.
  static let keptNanoseconds: UInt64 = 120_000_000_000

  private var since: [UInt64: UInt64] = [:]

  /// Those of `keys` that have been gone long enough to be forgotten.
  mutating func expired(
    among keys: Set<UInt64>, in table: borrowing WorkloadTable, now: UInt64
  ) -> Set<UInt64> {
    since = since.filter { keys.contains($0.key) }
    var expired: Set<UInt64> = []
    for key in keys {
      guard table.isGone(CgroupKey(key)) else {
        since[key] = nil
        continue
      }
      let first = since[key] ?? now
      let isExpired = now - first >= GoneCgroups.keptNanoseconds
      since[key] = isExpired ? nil : first
      if isExpired { expired.insert(key) }
    }
    return expired
  }
}
