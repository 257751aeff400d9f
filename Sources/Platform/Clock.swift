// SPDX-License-Identifier: Apache-2.0
// The one place that reads clocks and turns kernel time into Unix time.

internal import Glibc
internal import Synchronization

/// Kernel timestamps are CLOCK_BOOTTIME; only this converts them.
///
/// Any thread may read; one thread (`sample`) refreshes.
public final class Clock: Sendable {
  public static let shared = Clock()

  private let offset: Atomic<UInt64>

  private init() { offset = Atomic(Clock.measureOffset()) }

  /// Nanoseconds since boot, suspend included.
  public static func bootNanoseconds() -> UInt64 { nanoseconds(of: CLOCK_BOOTTIME) }

  /// Unix time of a boot time, with the offset of the last refresh.
  public func unixNanoseconds(boot: UInt64) -> UInt64 {
    boot &+ offset.load(ordering: .relaxed)
  }

  /// What to add to a boot time to have Unix time; take it once per turn, not per record.
  public var unixOffset: UInt64 { offset.load(ordering: .relaxed) }

  /// Unix time now.
  public func unixNanoseconds() -> UInt64 { unixNanoseconds(boot: Clock.bootNanoseconds()) }

  /// Measures the offset anew: Unix time may be stepped or slewed at any moment.
  public func refresh() { offset.store(Clock.measureOffset(), ordering: .relaxed) }

  private static func nanoseconds(of clock: clockid_t) -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// Of five tries, the one with the least time between the two readings of the boot clock.
  private static func measureOffset() -> UInt64 {
    var best: (width: UInt64, offset: UInt64) = (.max, 0)
    for _ in 0..<5 {
      let before = nanoseconds(of: CLOCK_BOOTTIME)
      let unix = nanoseconds(of: CLOCK_REALTIME)
      let width = nanoseconds(of: CLOCK_BOOTTIME) - before
      if width < best.width { best = (width, unix &- (before + width / 2)) }
    }
    return best.offset
  }
}
