// SPDX-License-Identifier: Apache-2.0
// The ledger of a running agent as its /metrics page tells it.

internal import Glibc
internal import Platform
internal import Serve

/// One plain request over loopback: a client library would be a lot for that.
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

    /// What the page was a moment too early for.
    var pending: UInt64 {
      let settled = delivered + filtered + lost
      return produced > settled ? produced - settled : 0
    }
  }

  private static let pageBytesMax = 8 << 20
  private static let timeoutSeconds = 3

  let rows: [Row]

  /// nil when nothing answers at `address` or the answer is no page of ours.
  init?(fetchedFrom address: String) {
    guard let page = LedgerPage.get(address) else { return nil }
    var rows: [String: Row] = [:]
    var produced: [String: UInt64] = [:]
    for line in page.split(separator: "\n") where line.hasPrefix("apus_agent_events_") {
      guard let sample = Sample(line), let event = sample.labels["event"] else { continue }
      if sample.name == "apus_agent_events_produced_total" { produced[event] = sample.value }
      guard let destination = sample.labels["destination"] else { continue }
      let key = "\(event) \(destination)"
      var row = rows[key] ?? Row(event: event, destination: destination)
      if sample.name == "apus_agent_events_delivered_total" {
        row.delivered = sample.value
      } else if sample.labels["hop"] == "filter" {
        row.filtered += sample.value
      } else if sample.value > 0 {
        row.lost += sample.value
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

  private static func get(_ address: String) -> String? {
    guard let parsed = try? ListenAddress(address), let raw = try? parsed.connect() else {
      return nil
    }
    let socket = Descriptor(owning: raw)
    var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    // Without it a silent peer would be waited for; a failure changes nothing else.
    _ = unsafe setsockopt(socket.raw, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
    let request = Array("GET /metrics HTTP/1.0\r\nHost: \(address)\r\n\r\n".utf8)
    var page: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    do throws(SystemError) {
      try unsafe request.withUnsafeBufferPointer { bytes throws(SystemError) in
        try unsafe socket.writeAll(UnsafeRawBufferPointer(bytes))
      }
      while page.count < pageBytesMax {
        let count = try unsafe chunk.withUnsafeMutableBufferPointer { room throws(SystemError) in
          try unsafe socket.read(into: UnsafeMutableRawBufferPointer(room))
        }
        if count == 0 { return String(decoding: page, as: UTF8.self) }
        page += chunk[..<count]
      }
    } catch {
      return nil
    }
    return nil
  }
}

/// One line of the text format: `name{key="value",…} 12`.
private struct Sample {
  let name: Substring
  var labels: [Substring: String] = [:]
  let value: UInt64

  init?(_ line: Substring) {
    guard let open = line.firstIndex(of: "{"), let close = line.lastIndex(of: "}"),
      let value = UInt64(line[line.index(close, offsetBy: 2)...])
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
