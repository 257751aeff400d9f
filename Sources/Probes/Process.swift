// SPDX-License-Identifier: Apache-2.0
// The processes' probe: execve. Its records are written by EventEncoder+Process.

internal import CApusABI
internal import Config
internal import Kernel

/// Programs that report failed execs; they need tracefs.
private let failedExecHooks = "tracepoint/syscalls/"

extension ProbeRow {
  /// Executions, failed ones too, and exits, each a record.
  package static let execve = ProbeRow(
    name: "execve", hasRecords: true, optionalHooks: [failedExecHooks],
    isWanted: { $0.exec.enabled },
    configure: { settings, plan in plan.knobs.failed = settings.exec.failed ? 1 : 0 },
    adjust: { object, plan in
      if plan.knobs.failed == 0 { object.leaveOut(failedExecHooks) }
    },
    memory: { _, cpus in
      // Two records being built per CPU, each with room for the longest payload and one read.
      let payload = Int(APUS_PATH_MAX + APUS_NAME_MAX + 2 * APUS_ARGS_MAX)
      return [("execve scratch", cpus * 2 * (MemoryLayout<apus_exec>.size + payload))]
    })
}
