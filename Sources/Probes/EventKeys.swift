// SPDX-License-Identifier: Apache-2.0
// The attribute names of events, encoded once.

internal import CApusABI
internal import OTLP
internal import Platform

/// Kept as stored properties: a global would cost a check of its initialisation at each use.
struct EventKeys {
  let pid = AttributeKey("process.pid", field: AttributesField.log)
  let parentPID = AttributeKey("process.parent_pid", field: AttributesField.log)
  let namespacePID = AttributeKey("process.vpid", field: AttributesField.log)
  let creationTime = AttributeKey("process.creation.time", field: AttributesField.log)
  let effectiveUser = AttributeKey("process.user.id", field: AttributesField.log)
  let realUser = AttributeKey("process.real_user.id", field: AttributesField.log)
  let path = AttributeKey("process.executable.path", field: AttributesField.log)
  let name = AttributeKey("process.executable.name", field: AttributesField.log)
  let command = AttributeKey("process.command", field: AttributesField.log)
  let arguments = AttributeKey("process.command_args", field: AttributesField.log)
  let argumentCount = AttributeKey("process.args_count", field: AttributesField.log)
  let errorType = AttributeKey("error.type", field: AttributesField.log)
  let exitCode = AttributeKey("process.exit.code", field: AttributesField.log)
  let uid = AttributeKey("log.record.uid", field: AttributesField.log)

  // What OpenTelemetry does not name.
  let comm = AttributeKey("apus.process.comm", field: AttributesField.log)
  let group = AttributeKey("apus.process.group.id", field: AttributesField.log)
  let loginUser = AttributeKey("apus.process.login_user.id", field: AttributesField.log)
  let session = AttributeKey("apus.process.audit_session.id", field: AttributesField.log)
  let pidNamespace = AttributeKey("apus.process.pid_namespace", field: AttributesField.log)
  let mountNamespace = AttributeKey("apus.process.mount_namespace", field: AttributesField.log)
  let cgroup = AttributeKey("apus.cgroup.key", field: AttributesField.log)
  let thread = AttributeKey("apus.process.thread_id", field: AttributesField.log)
  let invokedName = AttributeKey("apus.process.invoked_name", field: AttributesField.log)
  let argumentsLength = AttributeKey("apus.process.args_length", field: AttributesField.log)
  let truncated = AttributeKey("apus.process.args_truncated", field: AttributesField.log)
  let unreadable = AttributeKey("apus.process.args_unreadable", field: AttributesField.log)
  let pathTruncated = AttributeKey("apus.process.path_truncated", field: AttributesField.log)
  let pathDeleted = AttributeKey("apus.process.path_deleted", field: AttributesField.log)
  let signal = AttributeKey("apus.process.exit.signal", field: AttributesField.log)
  let coreDumped = AttributeKey("apus.process.exit.core_dumped", field: AttributesField.log)
  let lifetime = AttributeKey("apus.process.lifetime", field: AttributesField.log)
}

/// What all records of one kind have in common: severity and event name.
struct EventTemplates {
  let exec = EventTemplates.event("apus.process.exec", severity: 9, "INFO")
  let exit = EventTemplates.event("apus.process.exit", severity: 9, "INFO")
  /// A process that a signal ended is worth a look.
  let killed = EventTemplates.event("apus.process.exit", severity: 13, "WARN")
  let connect = EventTemplates.event("apus.tcp.connect", severity: 9, "INFO")
  /// So is a connect that did not come about.
  let connectFailed = EventTemplates.event("apus.tcp.connect", severity: 13, "WARN")
  let retransmit = EventTemplates.event("apus.tcp.retransmit", severity: 9, "INFO")
  /// By errno; 0 is for one that the C library does not name, in the words of the conventions.
  let errors: [Template] = (0..<Int32(134)).map { text($0 == 0 ? "_OTHER" : errnoName($0)) }
  let signals: [Template] = (0..<Int32(65)).map { text(signalName($0)) }

  private static func event(_ name: String, severity: UInt64, _ text: String) -> Template {
    Template { writer in
      writer.varint(severity, field: 2)
      writer.string(text, field: 3)
      writer.string(name, field: 12)
    }
  }

  static func text(_ text: String) -> Template {
    Template { $0.raw(Array(text.utf8)) }
  }
}
