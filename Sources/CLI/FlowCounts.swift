// SPDX-License-Identifier: Apache-2.0
// How often something happened per pair of addresses, for `--count`.

package struct Flow: Hashable, Comparable, Sendable {
  package let local: String
  /// 0 when the flows of all local ports are counted together.
  package let localPort: UInt16
  package let remote: String
  package let remotePort: UInt16

  package init(local: String, localPort: UInt16, remote: String, remotePort: UInt16) {
    self.local = local
    self.localPort = localPort
    self.remote = remote
    self.remotePort = remotePort
  }

  package static func < (one: Flow, other: Flow) -> Bool {
    (one.local, one.remote, one.remotePort, one.localPort)
      < (other.local, other.remote, other.remotePort, other.localPort)
  }
}

/// A tool that prints a line for each record, or counts records per flow.
package protocol FlowOptions {
  associatedtype Row

  var counts: Bool { get }
  var intervalSeconds: Int? { get }
  var intervals: Int? { get }
  var json: Bool { get }

  func admits(_ row: Row) -> Bool
  func line(_ row: Row) -> String
  func json(_ row: Row) -> String
  /// What is counted together.
  func flow(_ row: Row) -> Flow
  /// The table of one interval.
  func countText(_ flows: FlowCounts, timeOfDay: String) -> String
  /// An object per flow of one interval.
  func countJSON(_ flows: FlowCounts, time: String) -> [String]
}

/// Counts per flow, up to a number of flows; what comes after them is counted together.
package struct FlowCounts: Sendable {
  private let flowsMax: Int
  private var counts: [Flow: UInt64] = [:]
  /// Of the flows that found no room.
  package private(set) var others: UInt64 = 0

  package init(flowsMax: Int) { self.flowsMax = flowsMax }

  package mutating func add(_ flow: Flow, _ count: UInt64 = 1) {
    if counts.count < flowsMax || counts[flow] != nil {
      counts[flow, default: 0] += count
    } else {
      others += count
    }
  }

  /// Begins the next interval.
  package mutating func removeAll() {
    counts.removeAll(keepingCapacity: true)
    others = 0
  }

  /// Most first; equal counts by address, so that rows do not jump when they are drawn in place.
  package var sorted: [(flow: Flow, count: UInt64)] {
    counts.sorted { $0.value == $1.value ? $0.key < $1.key : $0.value > $1.value }
      .map { (flow: $0.key, count: $0.value) }
  }

  /// Of an interval without a flow, so that a reader sees that it has passed.
  func nothingJSON(_ name: String, time: String) -> String {
    var object = JSONLine()
    object.add("time", time)
    object.add(name, 0)
    return object.finished()
  }

  func othersJSON(_ name: String, time: String) -> String {
    var object = JSONLine()
    object.add("time", time)
    object.add("other", true)
    object.add(name, others)
    return object.finished()
  }
}
