// SPDX-License-Identifier: Apache-2.0
// A sign of life of a thread, for those who watch it.

internal import Synchronization

/// When a thread last did its work.
///
/// The thread beats; any thread may read it.
public final class Heartbeat: Sendable {
  private let last: Atomic<UInt64>

  /// As if it had beaten at a boot time, by default now.
  public init(at bootNanoseconds: UInt64 = Clock.bootNanoseconds()) {
    last = Atomic(bootNanoseconds)
  }

  public func beat() { last.store(Clock.bootNanoseconds(), ordering: .relaxed) }

  public func ageNanoseconds(at now: UInt64 = Clock.bootNanoseconds()) -> UInt64 {
    now - min(now, last.load(ordering: .relaxed))
  }
}
