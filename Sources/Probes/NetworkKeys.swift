// SPDX-License-Identifier: Apache-2.0
// The attribute names and words of network events, encoded once.

internal import CApusABI
internal import OTLP

/// Kept as stored properties: a global would cost a check of its initialisation at each use.
struct NetworkKeys {
  let sourceAddress = AttributeKey("source.address", field: AttributesField.log)
  let sourcePort = AttributeKey("source.port", field: AttributesField.log)
  let destinationAddress = AttributeKey("destination.address", field: AttributesField.log)
  let destinationPort = AttributeKey("destination.port", field: AttributesField.log)
  let transport = AttributeKey("network.transport", field: AttributesField.log)
  let type = AttributeKey("network.type", field: AttributesField.log)
  let state = AttributeKey("network.connection.state", field: AttributesField.log)

  // What OpenTelemetry does not name.
  let isV4Mapped = AttributeKey("apus.socket.v4_mapped", field: AttributesField.log)
  let cookie = AttributeKey("apus.socket.cookie", field: AttributesField.log)
  let ownerOrigin = AttributeKey("apus.socket.owner.origin", field: AttributesField.log)
  let namespace = AttributeKey("apus.network.namespace", field: AttributesField.log)
  let outcome = AttributeKey("apus.tcp.connect.outcome", field: AttributesField.log)
  let duration = AttributeKey("apus.tcp.connect.duration", field: AttributesField.log)
  let isIOUring = AttributeKey("apus.tcp.connect.io_uring", field: AttributesField.log)
  let isFastOpen = AttributeKey("apus.tcp.connect.fast_open", field: AttributesField.log)
  let wasInterrupted = AttributeKey("apus.tcp.connect.interrupted", field: AttributesField.log)
  let isBeforeAgent = AttributeKey("apus.tcp.connect.before_agent", field: AttributesField.log)
  let cause = AttributeKey("apus.tcp.retransmit.cause", field: AttributesField.log)
  let segments = AttributeKey("apus.tcp.retransmit.segments", field: AttributesField.log)
  let bytes = AttributeKey("apus.tcp.retransmit.bytes", field: AttributesField.log)
  let sequence = AttributeKey("apus.tcp.retransmit.sequence", field: AttributesField.log)
  let smoothedRTT = AttributeKey("apus.tcp.srtt", field: AttributesField.log)

  let tcp = EventTemplates.text("tcp")
  let ipv4 = EventTemplates.text("ipv4")
  let ipv6 = EventTemplates.text("ipv6")
  let outcomes = connectOutcomes.map(EventTemplates.text)
  let causes = retransmitCauses.map(EventTemplates.text)
  let origins = ownerOrigins.map(EventTemplates.text)
  let states = tcpStates.map(EventTemplates.text)
}

/// By `enum apus_connect_outcome`.
package let connectOutcomes = [
  "_OTHER", "established", "refused", "timed_out", "unreachable", "reset", "denied", "interrupted",
  "abandoned", "pending", "failed",
]

/// By `enum apus_retransmit_cause`.
package let retransmitCauses = ["other", "timeout", "fast", "tail_loss_probe", "syn", "syn_ack"]

/// By `enum apus_owner_origin`.
package let ownerOrigins = ["_OTHER", "connected", "listened", "accepted", "listener", "primed"]

/// By the kernel's number, in the words of OpenTelemetry's conventions where they have one.
package let tcpStates = [
  "_OTHER", "established", "syn_sent", "syn_received", "fin_wait_1", "fin_wait_2", "time_wait",
  "closed", "close_wait", "last_ack", "listen", "closing", "syn_received",
]

extension [String] {
  /// The word of a number; the first stands for all that have none.
  package func word(_ number: some BinaryInteger) -> String {
    indices.contains(Int(number)) ? self[Int(number)] : self[0]
  }
}
