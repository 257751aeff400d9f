// SPDX-License-Identifier: Apache-2.0
// The ledger of a running agent as its /metrics page tells it.

struct LedgerPage {
  /// What became of one kind of event on its way to one destination.
  struct Row {
    let event: String
    let destination: String
    var produced: UInt64 = 0
    var delivered: UInt64 = 0
    var filtered: UInt64 = 0
    var lost: UInt64 = 0
    /// " (ring full 12)", or nothing.
    var reasons = ""
    /// The hops and reasons in it.
    var losses: [(hop: String, reason: String)] = []

    /// What the page was a moment too early for.
    var pending: UInt64 {
      let settled = delivered &+ filtered &+ lost
      return produced > settled ? produced - settled : 0
    }
  }

  /// What its lines begin with.
  static let prefix = "apus_agent_events_"

  let rows: [Row]

  /// nil when the page is none of ours.
  init?(_ page: AgentPage) {
    var rows: [String: Row] = [:]
    var produced: [String: UInt64] = [:]
    for line in page.lines {
      guard let sample = Sample(line), let event = sample.labels["event"] else { continue }
      if sample.name == "apus_agent_events_produced_total" { produced[event] = sample.value }
      guard let destination = sample.labels["destination"] else { continue }
      let key = "\(event) \(destination)"
      var row = rows[key] ?? Row(event: event, destination: destination)
      if sample.name == "apus_agent_events_delivered_total" {
        row.delivered = sample.value
      } else if sample.labels["hop"] == "filter" {
        row.filtered &+= sample.value
      } else if sample.value > 0 {
        row.lost &+= sample.value
        row.losses.append((sample.labels["hop"] ?? "", sample.labels["reason"] ?? ""))
        row.reasons +=
          " (\(sample.labels["hop"] ?? "") \(sample.labels["reason"] ?? "") \(sample.value))"
      }
      rows[key] = row
    }
    guard !rows.isEmpty else { return nil }
    self.rows = rows.keys.sorted().compactMap { key in
      guard var row = rows[key], row.event != "unknown" || row.lost > 0 else { return nil }
      row.produced = produced[row.event] ?? 0
      return row
    }
  }
}

/// One line of the text format: `name{key="value",…} 12`.
private struct Sample {
  let name: Substring
  var labels: [Substring: String] = [:]
  let value: UInt64

  init?(_ line: Substring) {
    guard let open = line.firstIndex(of: "{"), let close = line.lastIndex(of: "}"), open < close,
      let value = UInt64(line[line.index(after: close)...].dropFirst())
    else { return nil }
    name = line[..<open]
    self.value = value
    // Our own labels here are words: no value holds a comma or a quote.
    for pair in line[line.index(after: open)..<close].split(separator: ",") {
      let parts = pair.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else { return nil }
      labels[parts[0]] = String(parts[1].dropFirst().dropLast())
    }
  }
}
