// SPDX-License-Identifier: Apache-2.0
// Whether the agent is up: threads that move, programs that are attached.

internal import Platform
internal import Synchronization

/// A thread that must beat.
struct WatchedThread: Sendable {
  let name: String
  let heartbeat: Heartbeat
  /// The longest that it may wait between two beats, when there is nothing to do.
  let waitMilliseconds: Int
}

/// Whether the agent is up, and why not.
///
/// Any thread may use it.
final class Health: Sendable {
  /// A thread that has done nothing for so long, beyond the wait it may take, hangs.
  static let staleNanoseconds: UInt64 = 10_000_000_000

  private let isReady = Atomic<Bool>(false)
  private let threads: [WatchedThread]

  init(_ threads: [WatchedThread]) { self.threads = threads }

  func setReady(_ value: Bool) { isReady.store(value, ordering: .releasing) }

  /// Lines of what is wrong; empty when all is well.
  func complaints(at now: UInt64 = Clock.bootNanoseconds()) -> [String] {
    threads.compactMap { thread in
      let age = thread.heartbeat.ageNanoseconds(at: now)
      let wait = UInt64(thread.waitMilliseconds) * 1_000_000
      guard age > Health.staleNanoseconds + wait else { return nil }
      return "thread \(thread.name) has not moved for \(age / 1_000_000_000) s"
    }
  }

  /// What keeps the agent from its work; also before it has begun.
  func obstacles() -> [String] {
    let isReady = isReady.load(ordering: .acquiring)
    return (isReady ? [] : ["programs are not attached"]) + complaints()
  }
}
