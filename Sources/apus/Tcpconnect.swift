// SPDX-License-Identifier: Apache-2.0
// `apus tcpconnect`: a line for each TCP connect, as bcc's tool prints it, and how it ended.

internal import CApusABI
internal import CLI
internal import Kernel
internal import Platform
internal import Probes

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
  let startedAt = Clock.bootNanoseconds()
  var printer = FlowPrinter(options, APUS_KIND_CONNECT) {
    (record: borrowing Record<apus_connect>) in
    row(of: record, options, startedAt: startedAt)
  }
  try tracing.run(into: &printer) {
    if options.json { return }
    Output.line(options.counts ? TcpconnectOptions.tracing : options.headerLine)
  } tick: { [printer] isLast in
    printer.tick(isLast: isLast)
  }
}

private func row(
  of record: borrowing Record<apus_connect>, _ options: TcpconnectOptions, startedAt: UInt64
) -> TcpconnectRow {
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
