// SPDX-License-Identifier: Apache-2.0
// The attribute names and words of network events, encoded once.

internal import CApusABI
internal import OTLP

/// Kept as stored properties: a global would cost a check of its initialisation at each use.
struct NetworkKeys {
  let sourceAddress = AttributeKey(.sourceAddress)
  let sourcePort = AttributeKey(.sourcePort)
  let destinationAddress = AttributeKey(.destinationAddress)
  let destinationPort = AttributeKey(.destinationPort)
  let transport = AttributeKey(.transport)
  let type = AttributeKey(.type)
  let state = AttributeKey(.state)

  // What OpenTelemetry does not name.
  let isV4Mapped = AttributeKey(.isV4Mapped)
  let cookie = AttributeKey(.cookie)
  let ownerOrigin = AttributeKey(.ownerOrigin)
  let namespace = AttributeKey(.netNamespace)
  let outcome = AttributeKey(.outcome)
  let duration = AttributeKey(.duration)
  let isIOUring = AttributeKey(.isIOUring)
  let isFastOpen = AttributeKey(.isFastOpen)
  let wasInterrupted = AttributeKey(.wasInterrupted)
  let isBeforeAgent = AttributeKey(.isBeforeAgent)
  let cause = AttributeKey(.cause)
  let segments = AttributeKey(.segments)
  let bytes = AttributeKey(.bytes)
  let sequence = AttributeKey(.sequence)
  let smoothedRTT = AttributeKey(.smoothedRTT)

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
