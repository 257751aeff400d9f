// SPDX-License-Identifier: Apache-2.0
// The ledger of a running agent as its /metrics page tells it.

struct LedgerPage {
  /// What its lines begin with.
  static let prefix = "apus_agent_events_"

  let rows: [LedgerRow]

  /// nil when the page is none of ours.
  init?(_ page: AgentPage) {
    var rows: [String: LedgerRow] = [:]
    var produced: [String: UInt64] = [:]
    for line in page.lines {
      guard let sample = Sample(line), let event = sample.labels["event"] else { continue }
      if sample.name == "apus_agent_events_produced_total" { produced[event] = sample.value }
      guard let destination = sample.labels["destination"] else { continue }
      let key = "\(event) \(destination)"
      var row = rows[key] ?? LedgerRow(event: event, destination: destination)
      if sample.name == "apus_agent_events_delivered_total" {
        row.delivered = sample.value
      } else {
        row.drop(
          sample.labels["hop"] ?? "", sample.labels["reason"] ?? "", count: sample.value)
      }
      rows[key] = row
    }
    guard !rows.isEmpty else { return nil }
    self.rows = rows.keys.sorted().compactMap { key in
      guard var row = rows[key] else { return nil }
      row.produced = produced[row.event] ?? 0
      return row.isOfInterest ? row : nil
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
