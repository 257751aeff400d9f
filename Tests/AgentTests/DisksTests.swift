// SPDX-License-Identifier: Apache-2.0
// Numbers that outlive their disks, told by a table instead of sysfs.

import Platform
import Synchronization
import Testing

@testable import Agent

@Suite("disks by number")
struct DisksTests {
  /// What stands in sysfs.
  private final class Present: Sendable {
    let disks = Mutex<[UInt32: DiskIdentity]>([:])

    func put(_ number: UInt32, _ name: String?, sequence: String? = nil, node: UInt64 = 1) {
      disks.withLock {
        $0[number] = name.map { DiskIdentity(name: $0, sequence: sequence, node: node) }
      }
    }
  }

  private let present = Present()
  private var disks: Disks
  private let kept = Disks.keptNanoseconds

  init() {
    let present = present
    disks = Disks { number in present.disks.withLock { $0[number] } }
  }

  private mutating func ended(now: UInt64) -> Set<UInt32> {
    disks.ended(among: [7, 8], now: now)
  }

  @Test("a disk that stays is none that has ended")
  mutating func stays() {
    present.put(7, "nvme1n1", sequence: "5")
    for now in 1...3 as ClosedRange<UInt64> {
      disks.note(7)
      #expect(ended(now: now).isEmpty)
    }
  }

  @Test("another name, sequence or directory is another disk, at once and once")
  mutating func replaced() {
    let others: [(String, String?, UInt64)] = [
      ("nvme2n1", "5", 1), ("nvme1n1", "6", 1), ("nvme1n1", nil, 1), ("nvme1n1", "5", 2),
    ]
    for (name, sequence, node) in others {
      present.put(7, "nvme1n1", sequence: "5")
      disks.note(7)
      present.put(7, name, sequence: sequence, node: node)
      #expect(ended(now: 1) == [7])
      disks.note(7)
      #expect(ended(now: 2).isEmpty)
      present.put(7, nil)
      _ = disks.ended(among: [], now: 3)
    }
  }

  @Test("one that is gone ends when its last counts have had their time, or when another comes")
  mutating func gone() {
    present.put(7, "sdb")
    disks.note(7)
    disks.note(8)
    present.put(7, nil)
    #expect(ended(now: 10).isEmpty && ended(now: 9 + kept).isEmpty)
    // The other was gone when it was first asked about.
    #expect(ended(now: 10 + kept) == [7, 8])
    disks.note(7)
    present.put(7, "sdb")
    #expect(ended(now: 11 + kept) == [7])
  }

  @Test("a number without slots is forgotten, and 0 is none")
  mutating func unused() {
    present.put(7, "sdb", node: 1)
    disks.note(7)
    disks.note(0)
    #expect(disks.ended(among: [0, 8], now: 1).isEmpty)
    present.put(7, "sdb", node: 2)
    #expect(ended(now: 2).isEmpty)
  }
}
