// SPDX-License-Identifier: Apache-2.0
// The memory that records are written into, and the pool that keeps it warm: a fresh mapping would
// cost a page fault for every four KiB of records.

internal import Synchronization

/// A block of memory with one owner at a time: first a builder, then a sealed batch.
@safe
final class Arena {
  let memory: UnsafeMutableRawBufferPointer

  init(byteCount: Int) {
    unsafe memory = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
  }

  deinit { unsafe memory.deallocate() }
}

/// Arenas of one size, given out by the encoding thread and given back by whoever drops a batch.
public final class ArenaPool: Sendable {
  public let arenaSize: Int
  /// How many idle arenas are kept.
  public let idleMax: Int
  private let idle: Mutex<Idle>

  // Sendable: an idle arena is referenced from here alone, and the mutex guards the list.
  private struct Idle: @unchecked Sendable { var arenas: [Arena] = [] }

  public init(arenaSize: Int, idleMax: Int) {
    precondition(arenaSize >= 4096 && arenaSize <= Int(UInt32.max >> 1), "arena size")
    self.arenaSize = arenaSize
    self.idleMax = idleMax
    var first = Idle()
    first.arenas.reserveCapacity(idleMax)
    idle = Mutex(first)
  }

  func take() -> Arena {
    idle.withLock { $0.arenas.popLast() } ?? Arena(byteCount: arenaSize)
  }

  func give(_ arena: Arena) {
    idle.withLock {
      if $0.arenas.count < idleMax { $0.arenas.append(arena) }
    }
  }
}
