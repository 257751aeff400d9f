// SPDX-License-Identifier: Apache-2.0
// `apus execsnoop`: a line for each exec, as bcc's tool prints it.

internal import CApusABI
internal import CLI
internal import Kernel
internal import Platform
internal import Probes

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
    if options.time { row.timeOfDay = Shown.time(record.header, json: options.json) }
    row.secondsSinceStartMilli = (record.header.time_ns &- startedAt) / 1_000_000
    row.uid = process.uid
    row.pid = Int32(bitPattern: process.pid)
    row.parentPID = Int32(bitPattern: process.parent_pid)
    row.result = -Int32(bitPattern: record.error)
    row.comm = Shown.comm(process)
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
  let cgroup = try Tool.cgroupKey(ofPath: options.cgroup)
  let tracing = Tracing(
    rows: [.execve], buffer: options.buffer, kind: APUS_KIND_EXEC, events: "execs"
  ) { plan in
    plan.knobs.failed = options.fails ? 1 : 0
    plan.knobs.uid = options.uid ?? .max
    plan.knobs.cgroup_key = cgroup
  }
  var printer = ExecPrinter(options)
  try tracing.run(into: &printer) {
    if !options.json { Output.line(options.headerLine) }
  } tick: { _ in
    true
  }
}
