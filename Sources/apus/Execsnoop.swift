// SPDX-License-Identifier: Apache-2.0
// `apus execsnoop`: a line for each exec, as bcc's tool prints it.

internal import CApusABI
internal import CLI
internal import Config
internal import Glibc
internal import Kernel
internal import Platform
internal import Probes

private let bufferBytes = 1 << 20

/// Prints exec records.
///
/// Owned by the main thread.
private final class ExecPrinter: RecordSink {
  private let options: ExecsnoopOptions
  private let startedAt = Clock.bootNanoseconds()

  init(_ options: ExecsnoopOptions) { self.options = options }

  func accept(_ bytes: RawSpan) {
    guard let header = try? Record<apus_header>(bytes),
      UInt32(header.kind) == APUS_KIND_EXEC.rawValue,
      let record = try? Record<apus_exec>(bytes), EventEncoder.isComplete(record)
    else { return }
    var row = ExecsnoopRow()
    let process = record.process
    if options.time { row.timeOfDay = Tool.timeOfDay() }
    row.secondsSinceStartMilli = (record.header.time_ns &- startedAt) / 1_000_000
    row.uid = process.uid
    row.pid = Int32(bitPattern: process.pid)
    row.parentPID = Int32(bitPattern: process.parent_pid)
    row.result = -Int32(bitPattern: record.error)
    row.comm = unsafe withUnsafeBytes(of: process.comm) { comm in
      unsafe String(decoding: comm.prefix { $0 != 0 }, as: UTF8.self)
    }
    row.arguments = arguments(of: record)
    row.isTruncated = record.flags & APUS_EXEC_ARGS_TRUNCATED.rawValue != 0
    guard options.admits(row) else { return }
    Output.line(options.json ? options.json(row) : options.line(row))
  }

  private func arguments(of record: borrowing Record<apus_exec>) -> [String] {
    let start = Int(record.path_size) + Int(record.name_size)
    let bytes = record.payload.extracting(start..<(start + Int(record.args_size)))
    return unsafe bytes.withUnsafeBytes { bytes in
      var text = unsafe bytes[...]
      if unsafe text.last == 0 { unsafe text = text.dropLast() }
      return unsafe text.split(separator: 0, omittingEmptySubsequences: false).map {
        unsafe String(decoding: $0, as: UTF8.self)
      }
    }
  }
}

func runExecsnoop(_ options: ExecsnoopOptions) throws(Failure) {
  Tool.configureLog(verbose: options.verbose)
  try Tool.requirePrivilege()
  let signals = Signals(blocking: [SIGINT, SIGTERM, SIGHUP])
  let defaults = ProbeDefaults(selfPID: OwnProcess.initialID() ?? 0)
  var plan = ProbePlan(knobs: defaults.knobs)
  plan.knobs.failed = options.fails ? 1 : 0
  if let uid = options.uid { plan.knobs.uid = uid }
  plan.knobs.cgroup_key = try Tool.cgroupKey(ofPath: options.cgroup)
  do throws(KernelError) {
    let shared = try SharedMaps(bufferBytes: bufferBytes)
    var reader = try shared.events.makeReader()
    var object = try defaults.load(.execve, plan, shared)
    try object.attach(optional: ProbeRow.execve.optionalHooks)
    for report in object.reports {
      if let failure = report.failure { Log.warn("failed execs are not seen", ["why": failure]) }
    }
    if !options.json { Output.line(options.headerLine) }
    Output.flush()
    var printer = ExecPrinter(options)
    while true {
      // Waiting for a signal is the timer, too: 20 ms are below what a reader notices.
      let signal = signals.wait(milliseconds: 20)
      if signal != nil { object.detach() }
      while reader.drain(into: &printer, limit: 4096) > 0 { Output.flush() }
      if signal != nil { break }
    }
    var counts = LedgerReader(shared.ledger)
    let cell = try counts.read(kind: APUS_KIND_EXEC.rawValue)
    if cell.ring_full > 0 {
      Log.warn("execs lost because the ring was full", ["count": "\(cell.ring_full)"])
    }
  } catch {
    throw Tool.failure(error)
  }
}
