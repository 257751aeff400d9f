// SPDX-License-Identifier: Apache-2.0
// Every event: its name, when it is told, and which attributes it has.

package import CApusABI
package import OTLP

package struct EventRow: Sendable {
  package let kind: apus_kind
  package let name: String
  package let when: String
  /// Severities, by the words of the log data model.
  package let severities: String
  package let attributes: [AttributeUse]
}

extension EventRow {
  package static let all: [EventRow] = [exec, exit, connect, retransmit]

  static let exec = EventRow(
    kind: APUS_KIND_EXEC, name: "apus.process.exec",
    when: "A program was executed, or an attempt failed.", severities: "INFO",
    attributes: [AttributeUse(.uid)] + process(when: "") + [
      AttributeUse(.thread), AttributeUse(.path, when: "unless the exec failed"),
      AttributeUse(.executableName, when: "unless the exec failed"),
      AttributeUse(.pathDeleted, when: "only when true"),
      AttributeUse(.pathTruncated, when: "only when true"), AttributeUse(.invokedName),
      AttributeUse(.argumentCount), AttributeUse(.unreadable, when: "only when true"),
      AttributeUse(.truncated, when: "only when true"),
      AttributeUse(.argumentsLength, when: "when the arguments were truncated"),
      AttributeUse(.arguments, when: "unless exec.args is none or there are none"),
      AttributeUse(.command, when: "unless exec.args is none or there are none"),
      AttributeUse(.errorType, when: "when the exec failed"),
    ])

  static let exit = EventRow(
    kind: APUS_KIND_EXIT, name: "apus.process.exit", when: "The last thread of a process ended.",
    severities: "INFO; WARN when a signal ended it",
    attributes: [AttributeUse(.uid)] + process(when: "") + [
      AttributeUse(.exitCode), AttributeUse(.signal, when: "when a signal ended the process"),
      AttributeUse(.coreDumped, when: "when a signal ended the process"), AttributeUse(.lifetime),
    ])

  static let connect = EventRow(
    kind: APUS_KIND_CONNECT, name: "apus.tcp.connect",
    when: "An active TCP connect had its outcome.", severities: "INFO; WARN when it failed",
    attributes: [AttributeUse(.uid)] + process(when: "when the process is known") + [
      AttributeUse(.thread, when: "when the process is known")
    ] + ends + [
      AttributeUse(.outcome), AttributeUse(.errorType, when: "when there is an errno"),
      AttributeUse(.duration, when: "unless it began before the agent did"),
      AttributeUse(.isBeforeAgent, when: "only when true"),
      AttributeUse(.isIOUring, when: "only when true"),
      AttributeUse(.isFastOpen, when: "only when true"),
      AttributeUse(.wasInterrupted, when: "only when true"),
    ])

  static let retransmit = EventRow(
    kind: APUS_KIND_RETRANSMIT, name: "apus.tcp.retransmit",
    when: "The kernel sent TCP segments again.", severities: "INFO",
    attributes: [AttributeUse(.uid)] + process(when: "when the socket's owner is known") + [
      AttributeUse(.ownerOrigin, when: "when the socket's owner is known")
    ] + ends + [
      AttributeUse(.cause), AttributeUse(.segments), AttributeUse(.bytes), AttributeUse(.sequence),
      AttributeUse(.state), AttributeUse(.smoothedRTT, when: "once it was measured"),
      AttributeUse(.errorType, when: "when the segments could not be sent"),
    ])

  /// The cgroup is known even where the process is not.
  private static func process(when condition: String) -> [AttributeUse] {
    let login = condition.isEmpty ? "when there is a login" : "\(condition) and there is a login"
    let always: [AttributeRow] = [
      .pid, .parentPID, .namespacePID, .creationTime, .effectiveUser, .realUser, .group,
    ]
    return always.map { AttributeUse($0, when: condition) }
      + [AttributeUse(.loginUser, when: login), AttributeUse(.session, when: login)]
      + [.pidNamespace, .mountNamespace].map { AttributeUse($0, when: condition) }
      + [AttributeUse(.cgroup), AttributeUse(.comm, when: condition)]
  }

  private static let ends: [AttributeUse] = [
    AttributeUse(.transport), AttributeUse(.type, when: "once there is an address"),
    AttributeUse(.sourceAddress, when: "once there is an address"),
    AttributeUse(.sourcePort, when: "once there is one"),
    AttributeUse(.destinationAddress, when: "once there is an address"),
    AttributeUse(.destinationPort, when: "once there is one"),
    AttributeUse(.isV4Mapped, when: "only when true"),
    AttributeUse(.cookie, when: "once the socket has one"), AttributeUse(.netNamespace),
  ]
}
