// SPDX-License-Identifier: Apache-2.0
// Prints a line for each record of one kind, or counts records per flow.

internal import CApusABI
internal import CLI
internal import Kernel
internal import Platform

/// `Layout` is the record's struct, of which `row` makes what is shown.
///
/// Owned by the main thread.
final class FlowPrinter<Layout: BitwiseCopyable, Options: FlowOptions>: RecordSink {
  private let options: Options
  private let kind: apus_kind
  private let row: (borrowing Record<Layout>) -> Options.Row
  private var flows: FlowIntervals?

  init(
    _ options: Options, _ kind: apus_kind, row: @escaping (borrowing Record<Layout>) -> Options.Row
  ) {
    self.options = options
    self.kind = kind
    self.row = row
    flows =
      options.counts
      ? FlowIntervals(
        intervalSeconds: options.intervalSeconds, intervals: options.intervals, json: options.json)
      : nil
  }

  func accept(_ bytes: RawSpan) {
    guard let header = try? Record<apus_header>(bytes), UInt32(header.kind) == kind.rawValue,
      let record = try? Record<Layout>(bytes)
    else { return }
    let row = row(record)
    guard options.admits(row) else { return }
    if flows != nil {
      flows?.counts.add(options.flow(row))
    } else {
      Output.line(options.json ? options.json(row) : options.line(row))
    }
  }

  /// Shows an interval that is over; false when it was the last one.
  func tick(isLast: Bool) -> Bool {
    let options = self.options
    return flows?.tick(isLast: isLast) { counts in
      options.json
        ? options.countJSON(counts, time: Tool.now()).map { $0 + "\n" }.joined()
        : options.countText(counts, timeOfDay: Tool.timeOfDay())
    } ?? true
  }
}

/// Counts per flow that are shown at each interval, or once at the end.
///
/// Owned by the main thread.
private struct FlowIntervals {
  /// More flows than anybody reads.
  private static let flowsMax = 4096

  var counts = FlowCounts(flowsMax: FlowIntervals.flowsMax)
  private var display: IntervalDisplay
  private let intervalNanoseconds: UInt64?
  private var left: Int
  private var next: UInt64

  init(intervalSeconds: Int?, intervals: Int?, json: Bool) {
    display = IntervalDisplay(Tool.terminal, intervalSeconds: intervalSeconds, json: json)
    intervalNanoseconds = intervalSeconds.map { UInt64($0) * 1_000_000_000 }
    left = intervals ?? .max
    next = Clock.bootNanoseconds() + (intervalNanoseconds ?? 0)
  }

  /// Shows the interval when it is over; false when it was the last one.
  mutating func tick(isLast: Bool, _ text: (FlowCounts) -> String) -> Bool {
    let now = Clock.bootNanoseconds()
    let isOver = intervalNanoseconds.map { _ in now >= next } ?? false
    guard isLast || isOver else { return true }
    left -= 1
    let isLast = isLast || left == 0
    Output.text(display.show(text(counts), isLast: isLast, on: Tool.terminal))
    counts.removeAll()
    // After a stall one interval is long; several at once would be empty.
    next = max(next + (intervalNanoseconds ?? 0), now)
    return left > 0
  }
}
