// SPDX-License-Identifier: Apache-2.0
// `apus tcpretrans`: a line for each retransmission, as bcc's tool prints it, with the owner of the
// socket in place of whoever was interrupted.

internal import CApusABI
internal import CLI
internal import Kernel
internal import Platform
internal import Probes

func runTcpretrans(_ options: TcpretransOptions) throws(Failure) {
  Tool.configureLog(verbose: options.verbose)
  try Tool.requirePrivilege()
  let cgroup = try Tool.cgroupKey(ofPath: options.cgroup)
  let tracing = Tracing(
    rows: [.tcpretrans, .sockets], buffer: options.buffer, kind: APUS_KIND_RETRANSMIT,
    events: "retransmissions"
  ) { plan in
    plan.knobs.pid = UInt32(bitPattern: options.pid ?? 0)
    plan.knobs.cgroup_key = cgroup
  }
  var printer = FlowPrinter(options, APUS_KIND_RETRANSMIT) {
    (record: borrowing Record<apus_retransmit>) in row(of: record, options)
  }
  try tracing.run(into: &printer) {
    if options.json { return }
    Output.line(TcpretransOptions.tracing)
    if !options.counts { Output.line(options.headerLine) }
  } tick: { [printer] isLast in
    printer.tick(isLast: isLast)
  }
}

private func row(
  of record: borrowing Record<apus_retransmit>, _ options: TcpretransOptions
) -> TcpretransRow {
  var row = TcpretransRow()
  row.timeOfDay = Shown.time(record.header, json: options.json)
  let origin = record.origin
  if origin != APUS_OWNER_NONE.rawValue {
    let process = record.process
    row.pid = Int32(bitPattern: process.pid)
    row.comm = Shown.comm(process)
    row.origin = ownerOrigins.word(origin)
  }
  let ends = record.ends
  (row.family, row.local, row.remote) = Shown.addresses(ends)
  row.localPort = ends.local_port
  row.remotePort = ends.remote_port
  row.state = record.state
  row.sequence = record.sequence
  row.cause = RetransmitCause(rawValue: retransmitCauses.word(record.cause)) ?? .other
  row.segments = record.segments
  row.bytes = record.length
  let roundTrip = record.srtt_us
  if roundTrip > 0 { row.smoothedRTTMicros = roundTrip }
  row.error = Int32(bitPattern: record.error)
  return row
}
