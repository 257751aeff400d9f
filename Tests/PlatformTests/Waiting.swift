// SPDX-License-Identifier: Apache-2.0
// Waits for conditions instead of for time.

import Glibc
import Platform

/// Whether `condition` came true within `seconds`.
func becomesTrue(within seconds: UInt64 = 10, _ condition: () -> Bool) -> Bool {
  let deadline = Clock.bootNanoseconds() + seconds * 1_000_000_000
  while !condition() {
    if Clock.bootNanoseconds() > deadline { return false }
    sched_yield()
  }
  return true
}
