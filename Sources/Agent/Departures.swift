// SPDX-License-Identifier: Apache-2.0
// Cgroups that are gone, and for how long: their series end once their last counts have arrived.

/// Owned by the sample thread.
struct Departures {
  private let patienceNanoseconds: UInt64
  private var goneSince: [UInt64: UInt64] = [:]

  init(patienceNanoseconds: UInt64) { self.patienceNanoseconds = patienceNanoseconds }

  /// Of `keys`, those that have been gone long enough.
  mutating func due(
    _ keys: Set<UInt64>, now: UInt64, isGone: (UInt64) -> Bool
  ) -> Set<UInt64> {
    goneSince = goneSince.filter { keys.contains($0.key) }
    var due: Set<UInt64> = []
    for key in keys {
      guard isGone(key) else {
        goneSince[key] = nil
        continue
      }
      let since = goneSince[key] ?? now
      if now - since >= patienceNanoseconds {
        due.insert(key)
        goneSince[key] = nil
      } else {
        goneSince[key] = since
      }
    }
    return due
  }
}
