// SPDX-License-Identifier: Apache-2.0
// The live summary of an agent without a destination: what is observed, every two seconds.

internal import Agent
internal import CLI
internal import Export
internal import Glibc
internal import Metrics
internal import Platform

/// Owned by the main thread.
struct Summary {
  private static let intervalMilliseconds = 2000

  private struct Section {
    let title: String
    let instrument: String
    let rowsMax: Int
  }

  private static let sections = [
    Section(
      title: "WAIT FOR A CPU (µs), BY CGROUP", instrument: "apus.cpu.runqueue.latency",
      rowsMax: 10),
    Section(
      title: "TCP CONNECTS (µs)", instrument: "apus.tcp.connect.duration", rowsMax: 5),
    Section(title: "BLOCK I/O (µs)", instrument: "apus.disk.io.latency", rowsMax: 5),
  ]

  private let view: AgentView
  private let terminal: Terminal

  init(_ view: AgentView, _ terminal: Terminal) {
    self.view = view
    self.terminal = terminal
  }

  /// What four columns of numbers leave.
  private var nameWidth: Int { min(max(terminal.width - 46, 32), 80) }

  /// Draws until a signal comes.
  func run(until signals: Signals) {
    var last: [String: UInt64] = [:]
    repeat {
      draw(&last)
    } while signals.wait(milliseconds: Summary.intervalMilliseconds) == nil
    Output.line("")
    Output.flush()
  }

  private func draw(_ last: inout [String: UInt64]) {
    let snapshot = view.store.snapshot(unixNanoseconds: Clock.shared.unixNanoseconds())
    // Home, and clear to the end: the page does not flicker as it would when cleared first.
    var page = "\u{1b}[H\u{1b}[J"
    page += terminal.styled("apus \(version)", .bold) + "  no destination is set: "
    page += view.port.map { "metrics at http://127.0.0.1:\($0)/metrics" } ?? "nothing is exported"
    page += "\n\n"
    page += left("EVENT", nameWidth) + right("TOTAL", 12) + right("PER S", 10)
    page += right("LOST", 12) + "\n"
    for row in view.ledger.rows() where row.kind != "unknown" {
      let rate = (row.produced - min(row.produced, last[row.kind] ?? row.produced)) / 2
      last[row.kind] = row.produced
      let lost = row.dropped.filter { $0.loss.hop != "filter" }.reduce(0) { $0 + $1.count }
      page += left(row.kind, nameWidth) + right("\(row.produced)", 12) + right("\(rate)", 10)
      page += right("\(lost)", 12) + "\n"
    }
    for section in Summary.sections { page += durations(section, snapshot) }
    page += "\nCtrl-C ends it.\n"
    Output.text(page)
    Output.flush()
  }

  /// Where time went, by what the instrument tells apart; nothing when nothing was measured.
  private func durations(_ section: Section, _ snapshot: MetricSnapshot) -> String {
    let points =
      snapshot.instruments.first { $0.descriptor.name == section.instrument }?.points ?? []
    let values = points.compactMap { point -> (MetricPoint, HistogramValue)? in
      if case .histogram(let value) = point.value { (point, value) } else { nil }
    }.sorted { $0.1.count > $1.1.count }
    guard !values.isEmpty else { return "" }
    var page = "\n" + left(section.title, nameWidth) + right("COUNT", 12)
    page += right("P50", 10) + right("P99", 10) + right("MAX", 12) + "\n"
    for (point, value) in values.prefix(section.rowsMax) {
      page += left(name(of: point), nameWidth) + right("\(value.count)", 12)
      page += right(micros(value.quantile(0.5)), 10) + right(micros(value.quantile(0.99)), 10)
      page += right(micros(value.max), 12) + "\n"
    }
    return page
  }

  /// The attributes, then as much of the cgroup's path as there is room for.
  private func name(of point: MetricPoint) -> String {
    let attributes = point.attributes.filter { !$0.isEmpty }.joined(separator: " ")
    let room = max(nameWidth - attributes.count - (attributes.isEmpty ? 1 : 2), 8)
    // The end of a path tells containers apart.
    let path = point.isOverflow ? "(other)" : String(view.name(of: point.workload).suffix(room))
    return printable(attributes.isEmpty ? path : "\(attributes) \(path)")
  }

  private func micros(_ seconds: Double?) -> String {
    seconds.map { "\(Int(($0 * 1e6).rounded()))" } ?? "-"
  }
}

extension HistogramValue {
  /// The upper edge of the bucket that holds the quantile; nil when there is nothing.
  fileprivate func quantile(_ fraction: Double) -> Double? {
    guard count > 0 else { return nil }
    var rest = Int64((Double(count) * fraction).rounded(.up)) - Int64(zeroCount)
    if rest <= 0 { return zeroThreshold }
    // How long what is longer than the buckets reach was, the largest alone says.
    for (index, bucket) in counts.dropLast(aboveCount > 0 ? 1 : 0).enumerated() {
      rest -= Int64(bucket)
      if rest <= 0 { return Swift.min(exp2(Double(Int(offset) + index + 1) / 8), max ?? .infinity) }
    }
    return max
  }
}
