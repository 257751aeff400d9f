// SPDX-License-Identifier: Apache-2.0
// The attributes of processes in events.

package import OTLP

extension AttributeRow {
  static let uid = AttributeRow(
    "log.record.uid", .string,
    "boot id, ledger epoch, kind, CPU and sequence: the same in a duplicate and in nothing else")

  static let pid = AttributeRow(
    "process.pid", .int, .releaseCandidate, "as the initial pid namespace has it")
  static let parentPID = AttributeRow(
    "process.parent_pid", .int, .releaseCandidate, "as the initial pid namespace has it")
  static let namespacePID = AttributeRow(
    "process.vpid", .int, .releaseCandidate, "as the process's own pid namespace has it")
  static let creationTime = AttributeRow(
    "process.creation.time", .string, .releaseCandidate, "ISO 8601 with nanoseconds")
  static let effectiveUser = AttributeRow(
    "process.user.id", .int, .releaseCandidate, "effective user id")
  static let realUser = AttributeRow(
    "process.real_user.id", .int, .releaseCandidate, "real user id")
  static let path = AttributeRow(
    "process.executable.path", .string, .releaseCandidate,
    "absolute path of what runs; of a script its interpreter")
  static let executableName = AttributeRow(
    "process.executable.name", .string, .releaseCandidate, "last part of the path")
  static let command = AttributeRow(
    "process.command", .string, .releaseCandidate, "first argument")
  static let arguments = AttributeRow(
    "process.command_args", .strings, .releaseCandidate, "all arguments")
  static let argumentCount = AttributeRow(
    "process.args_count", .int, .releaseCandidate, "number of arguments")
  static let exitCode = AttributeRow(
    "process.exit.code", .int, .releaseCandidate, "0 when a signal ended the process")
  /// Of metrics too.
  package static let errorType = AttributeRow(
    "error.type", .string, .stable, "errno by name, such as ENOENT")

  // What OpenTelemetry does not name.
  static let comm = AttributeRow(
    "apus.process.comm", .string, "the kernel's name of the process, 15 bytes")
  static let group = AttributeRow("apus.process.group.id", .int, "effective group id")
  static let loginUser = AttributeRow(
    "apus.process.login_user.id", .int, "user id of the login behind the process")
  static let session = AttributeRow(
    "apus.process.audit_session.id", .int, "the login's session in the audit system")
  static let pidNamespace = AttributeRow("apus.process.pid_namespace", .int, "inode number")
  static let mountNamespace = AttributeRow("apus.process.mount_namespace", .int, "inode number")
  static let cgroup = AttributeRow(
    "apus.cgroup.key", .int,
    "the cgroup's id; bits 60 and 61 name the hierarchy: 0 v2, 1 v1 cpu, 2 v1 memory")
  static let thread = AttributeRow("apus.process.thread_id", .int, "the thread that called")
  static let invokedName = AttributeRow(
    "apus.process.invoked_name", .string, "the program as the caller wrote it")
  static let argumentsLength = AttributeRow(
    "apus.process.args_length", .int, unit: "By", "true length of the arguments")
  static let truncated = AttributeRow(
    "apus.process.args_truncated", .boolean, "the arguments were longer than 8 KiB")
  static let unreadable = AttributeRow(
    "apus.process.args_unreadable", .boolean, "the arguments could not be read")
  static let pathTruncated = AttributeRow(
    "apus.process.path_truncated", .boolean, "the path was longer than is kept")
  static let pathDeleted = AttributeRow(
    "apus.process.path_deleted", .boolean, "the file had no name any more; a memfd never has one")
  static let signal = AttributeRow(
    "apus.process.exit.signal", .string, "the signal that ended the process, such as SIGKILL")
  static let coreDumped = AttributeRow(
    "apus.process.exit.core_dumped", .boolean, "whether there was a core dump")
  static let lifetime = AttributeRow(
    "apus.process.lifetime", .double, unit: "s", "since the process was forked")
}
