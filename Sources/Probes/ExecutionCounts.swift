// SPDX-License-Identifier: Apache-2.0
// Executions by cgroup and outcome: written by the thread that reads the ring, once per turn, and
// read by whoever takes a sample.

internal import Synchronization

/// What executions are counted by.
package struct ExecutionKey: Hashable, Sendable {
  package var cgroup: UInt64
  /// 0, or the errno of an exec that failed.
  package var error: UInt32
}

/// Any thread may use it.
package final class ExecutionCounts: Sendable {
  /// More different keys than this are counted under `overflowKey`.
  package static let limit = 2000
  /// No cgroup has this id.
  package static let overflowKey = ExecutionKey(cgroup: .max, error: 0)

  private let counts = Mutex<[ExecutionKey: UInt64]>([:])

  package init() {}

  func add(_ count: UInt64, to key: ExecutionKey) {
    counts.withLock { counts in
      let isKnown = counts[key] != nil || counts.count < ExecutionCounts.limit
      counts[isKnown ? key : ExecutionCounts.overflowKey, default: 0] += count
    }
  }

  /// All counts since the start.
  package func snapshot() -> [ExecutionKey: UInt64] { counts.withLock { $0 } }

  /// Forgets cgroups that are gone.
  package func remove(where isGone: (ExecutionKey) -> Bool) {
    counts.withLock { counts in counts = counts.filter { !isGone($0.key) } }
  }
}
