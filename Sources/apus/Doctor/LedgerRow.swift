// SPDX-License-Identifier: Apache-2.0
// What became of one kind of event on its way to one destination, wherever it was read.

internal import Agent

struct LedgerRow {
  let event: String
  let destination: String
  var produced: UInt64 = 0
  var delivered: UInt64 = 0
  private(set) var filtered: UInt64 = 0
  private(set) var lost: UInt64 = 0
  /// " (ring full 12)", or nothing.
  private var reasons = ""
  /// The hops and reasons in it.
  private var losses: [(hop: String, reason: String)] = []

  init(event: String, destination: String) {
    self.event = event
    self.destination = destination
  }

  init(_ row: AgentStatus.Row) {
    self.init(event: row.event, destination: row.destination)
    produced = row.produced
    delivered = row.delivered
    for drop in row.dropped { self.drop(drop.hop, drop.reason, count: drop.count) }
  }

  mutating func drop(_ hop: String, _ reason: String, count: UInt64) {
    guard count > 0 else { return }
    if hop == "filter" {
      filtered &+= count
    } else {
      lost &+= count
      losses.append((hop, reason))
      reasons += " (\(hop) \(reason) \(count))"
    }
  }

  /// Records that no kind can be charged with are told of when there are any.
  var isOfInterest: Bool { event != "unknown" || lost > 0 }

  /// What was not settled yet when it was read.
  private var pending: UInt64 {
    let settled = delivered &+ filtered &+ lost
    return produced > settled ? produced - settled : 0
  }

  var finding: Finding {
    Finding(
      .agent, "ledger", lost == 0 ? .ok : .warning,
      "\(event) to \(destination): \(produced) produced, \(delivered) delivered, "
        + "\(filtered) filtered, \(lost) lost\(reasons), \(pending) on the way",
      lossRemedies(losses))
  }
}
