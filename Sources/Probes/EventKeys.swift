// SPDX-License-Identifier: Apache-2.0
// The attribute names of events, encoded once. What each means is in ProcessAttributes.

internal import CApusABI
internal import OTLP
internal import Platform

/// Kept as stored properties: a global would cost a check of its initialisation at each use.
struct EventKeys {
  let pid = AttributeKey(.pid)
  let parentPID = AttributeKey(.parentPID)
  let namespacePID = AttributeKey(.namespacePID)
  let creationTime = AttributeKey(.creationTime)
  let effectiveUser = AttributeKey(.effectiveUser)
  let realUser = AttributeKey(.realUser)
  let path = AttributeKey(.path)
  let name = AttributeKey(.executableName)
  let command = AttributeKey(.command)
  let arguments = AttributeKey(.arguments)
  let argumentCount = AttributeKey(.argumentCount)
  let errorType = AttributeKey(.errorType)
  let exitCode = AttributeKey(.exitCode)
  let uid = AttributeKey(.uid)

  // What OpenTelemetry does not name.
  let comm = AttributeKey(.comm)
  let group = AttributeKey(.group)
  let loginUser = AttributeKey(.loginUser)
  let session = AttributeKey(.session)
  let pidNamespace = AttributeKey(.pidNamespace)
  let mountNamespace = AttributeKey(.mountNamespace)
  let cgroup = AttributeKey(.cgroup)
  let thread = AttributeKey(.thread)
  let invokedName = AttributeKey(.invokedName)
  let argumentsLength = AttributeKey(.argumentsLength)
  let truncated = AttributeKey(.truncated)
  let unreadable = AttributeKey(.unreadable)
  let pathTruncated = AttributeKey(.pathTruncated)
  let pathDeleted = AttributeKey(.pathDeleted)
  let signal = AttributeKey(.signal)
  let coreDumped = AttributeKey(.coreDumped)
  let lifetime = AttributeKey(.lifetime)
}

/// What all records of one kind have in common: severity and event name.
struct EventTemplates {
  let exec = EventTemplates.event(EventRow.exec.name, severity: 9, "INFO")
  let exit = EventTemplates.event(EventRow.exit.name, severity: 9, "INFO")
  /// A process that a signal ended is worth a look.
  let killed = EventTemplates.event(EventRow.exit.name, severity: 13, "WARN")
  let connect = EventTemplates.event(EventRow.connect.name, severity: 9, "INFO")
  /// So is a connect that did not come about.
  let connectFailed = EventTemplates.event(EventRow.connect.name, severity: 13, "WARN")
  let retransmit = EventTemplates.event(EventRow.retransmit.name, severity: 9, "INFO")
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
