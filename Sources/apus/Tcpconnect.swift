// SPDX-License-Identifier: Apache-2.0
// `apus tcpconnect`: a line for each TCP connect, as bcc's tool prints it, and how it ended.

internal import CApusABI
internal import CLI
internal import Kernel
internal import Platform
internal import Probes

/// Prints connect records, or counts them.
///
/// Owned by the main thread.
private final class ConnectPrinter: RecordSink {
  private let options: TcpconnectOptions
  private let startedAt = Clock.bootNanoseconds()
  private var flows: FlowIntervals?

  init(_ options: TcpconnectOptions) {
    self.options = options
    flows =
      options.counts
      ? FlowIntervals(
        intervalSeconds: options.intervalSeconds, intervals: options.intervals,
        json: options.json) : nil
  }

  func accept(_ bytes: RawSpan) {
    guard let header = try? Record<apus_header>(bytes),
      UInt32(header.kind) == APUS_KIND_CONNECT.rawValue,
      let record = try? Record<apus_connect>(bytes)
    else { return }
    let row = row(of: record)
    guard options.admits(row) else { return }
    if flows != nil {
      flows?.counts.add(options.flow(row))
    } else {
      Output.line(options.json ? options.json(row) : options.line(row))
    }
  }

  private func row(of record: borrowing Record<apus_connect>) -> TcpconnectRow {
    var row = TcpconnectRow()
    let flags = UInt32(record.flags)
    let header = record.header
    if options.time { row.timeOfDay = Shown.time(header, json: options.json) }
    row.secondsSinceStartMilli =
      header.time_ns > startedAt ? (header.time_ns - startedAt) / 1_000_000 : 0
    if flags & APUS_CONNECT_NO_OWNER.rawValue == 0 {
      let process = record.process
      row.pid = Int32(bitPattern: process.pid)
      row.uid = process.uid
      row.comm = Shown.comm(process)
    }
    let ends = record.ends
    (row.family, row.source, row.destination) = Shown.addresses(ends)
    row.sourcePort = ends.local_port
    row.destinationPort = ends.remote_port
    row.outcome = ConnectOutcome(rawValue: connectOutcomes.word(record.outcome)) ?? .failed
    row.error = Int32(bitPattern: record.error)
    if flags & APUS_CONNECT_BEFORE_AGENT.rawValue == 0 {
      row.latencyMicros = record.latency_ns / 1000
    }
    return row
  }

  func tick(isLast: Bool) -> Bool {
    let options = self.options
    return flows?.tick(isLast: isLast) { counts in
      options.json
        ? options.countJSON(counts, time: Tool.now()).map { $0 + "\n" }.joined()
        : options.countText(counts, timeOfDay: Tool.timeOfDay())
    } ?? true
  }
}

func runTcpconnect(_ options: TcpconnectOptions) throws(Failure) {
  Tool.configureLog(verbose: options.verbose)
  try Tool.requirePrivilege()
  let cgroup = try Tool.cgroupKey(ofPath: options.cgroup)
  let tracing = Tracing(
    rows: [.tcpconnect, .sockets], buffer: options.buffer, kind: APUS_KIND_CONNECT,
    events: "connects"
  ) { plan in
    plan.knobs.pid = UInt32(bitPattern: options.pid ?? 0)
    plan.knobs.uid = options.uid ?? .max
    plan.knobs.cgroup_key = cgroup
  }
  var printer = ConnectPrinter(options)
  try tracing.run(into: &printer) {
    if options.json { return }
    Output.line(options.counts ? TcpconnectOptions.tracing : options.headerLine)
  } tick: { [printer] isLast in
    printer.tick(isLast: isLast)
  }
}
