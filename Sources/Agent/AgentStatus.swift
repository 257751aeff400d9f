// SPDX-License-Identifier: Apache-2.0
// What a running agent tells root of itself over its status socket, as it is written and read.

internal import Export
internal import Serve

/// Health and ledger, as lines of words between tabs.
///
/// A line that is not known is of a later version, and passed over.
package struct AgentStatus: Equatable, Sendable {
  package struct Drop: Equatable, Sendable {
    package let hop: String
    package let reason: String
    package let count: UInt64
  }

  /// What became of one kind of event on its way to one destination.
  package struct Row: Equatable, Sendable {
    package let event: String
    package let destination: String
    package let produced: UInt64
    package let delivered: UInt64
    package fileprivate(set) var dropped: [Drop]
  }

  package static let path = "/run/apus.sock"

  /// What keeps the agent from its work; empty when all is well.
  package private(set) var obstacles: [String] = []
  package private(set) var rows: [Row] = []

  init(_ health: Health, _ ledger: Ledger) {
    obstacles = health.obstacles()
    rows = ledger.rows().map { row in
      Row(
        event: row.kind, destination: row.destination, produced: row.produced,
        delivered: row.delivered,
        dropped: row.dropped.filter { $0.count > 0 }.map {
          Drop(hop: $0.loss.hop, reason: $0.loss.reason, count: $0.count)
        })
    }
  }

  /// nil when no agent tells, or not to us.
  package static func read(path: String = AgentStatus.path) -> AgentStatus? {
    TextSocket.read(path: path).flatMap { AgentStatus($0) }
  }

  var text: String {
    var lines = obstacles.map { "obstacle\t\($0)" }
    for row in rows {
      lines.append("event\t\(row.event)\t\(row.destination)\t\(row.produced)\t\(row.delivered)")
      for drop in row.dropped {
        lines.append("dropped\t\(drop.hop)\t\(drop.reason)\t\(drop.count)")
      }
    }
    return (lines + [AgentStatus.end]).map { "\($0)\n" }.joined()
  }

  /// What was cut off would be taken for less.
  private static let end = "end"

  /// nil when the end is missing, or what is known is wrong.
  init?(_ text: String) {
    let lines = text.split(separator: "\n")
    guard lines.last == Substring(AgentStatus.end) else { return nil }
    for line in lines.dropLast() {
      let words = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      switch (words[0], words.count) {
      case ("obstacle", 2): obstacles.append(words[1])
      case ("event", 5):
        guard let produced = UInt64(words[3]), let delivered = UInt64(words[4]) else { return nil }
        rows.append(
          Row(
            event: words[1], destination: words[2], produced: produced, delivered: delivered,
            dropped: []))
      case ("dropped", 4):
        guard let count = UInt64(words[3]), !rows.isEmpty else { return nil }
        rows[rows.count - 1].dropped.append(Drop(hop: words[1], reason: words[2], count: count))
      default: continue
      }
    }
  }
}
