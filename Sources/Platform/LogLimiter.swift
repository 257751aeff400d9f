// SPDX-License-Identifier: Apache-2.0
// Keeps a message that repeats from filling the log, and remembers how often it was held back.

/// Bounds lines per message and window.
///
/// Whoever holds it guards it.
struct LogLimiter {
  /// A message may be written this often per window; the rest is counted and told later.
  static let burst = 10
  static let windowNanoseconds: UInt64 = 10_000_000_000
  static let sitesMax = 64

  private struct Site {
    var message: String
    var windowStart: UInt64
    var written = 1
    var suppressed = 0
  }

  private var sites: [Site] = []

  /// How many lines like this were held back since the last one, or nil when this one is too.
  mutating func admit(_ message: String, at now: UInt64) -> Int? {
    guard let index = sites.firstIndex(where: { $0.message == message }) else {
      let suppressed = makeRoom()
      sites.append(Site(message: message, windowStart: now))
      return suppressed
    }
    if now &- sites[index].windowStart >= LogLimiter.windowNanoseconds {
      let suppressed = sites[index].suppressed
      sites[index] = Site(message: message, windowStart: now)
      return suppressed
    }
    guard sites[index].written < LogLimiter.burst else {
      sites[index].suppressed += 1
      return nil
    }
    sites[index].written += 1
    return 0
  }

  /// With too many different messages the oldest window gives way; what it held back is told by the
  /// line that takes its place, so that no count is lost.
  private mutating func makeRoom() -> Int {
    guard sites.count == LogLimiter.sitesMax,
      let oldest = sites.indices.min(by: { sites[$0].windowStart < sites[$1].windowStart })
    else { return 0 }
    return sites.remove(at: oldest).suppressed
  }
}
