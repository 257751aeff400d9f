// SPDX-License-Identifier: Apache-2.0
// The attributes of connections in events, and of block devices in metrics.

package import OTLP

extension AttributeRow {
  static let sourceAddress = AttributeRow(
    "source.address", .string, "our own end; IPv4, of v4-mapped sockets too, or IPv6")
  static let sourcePort = AttributeRow("source.port", .int, "our own end")
  static let destinationAddress = AttributeRow("destination.address", .string, "the other end")
  static let destinationPort = AttributeRow("destination.port", .int, "the other end")
  static let transport = AttributeRow("network.transport", .string, .stable, "tcp")
  static let type = AttributeRow("network.type", .string, .stable, "ipv4 or ipv6")
  static let state = AttributeRow(
    "network.connection.state", .string, "state of the socket, such as established")

  // What OpenTelemetry does not name.
  static let isV4Mapped = AttributeRow(
    "apus.socket.v4_mapped", .boolean, "an IPv6 socket that speaks IPv4")
  static let cookie = AttributeRow(
    "apus.socket.cookie", .int, "what SO_COOKIE says: the same in all events of a socket")
  static let ownerOrigin = AttributeRow(
    "apus.socket.owner.origin", .string,
    "how the owner is known: \(ownerOrigins.dropFirst().joined(separator: ", "))")
  static let netNamespace = AttributeRow("apus.network.namespace", .int, "inode number")
  package static let outcome = AttributeRow(
    "apus.tcp.connect.outcome", .string,
    "how the connect ended: \(connectOutcomes.dropFirst().joined(separator: ", "))")
  static let duration = AttributeRow(
    "apus.tcp.connect.duration", .double, unit: "s", "from the call to the outcome")
  static let isIOUring = AttributeRow(
    "apus.tcp.connect.io_uring", .boolean, "the connect was made by io_uring")
  static let isFastOpen = AttributeRow(
    "apus.tcp.connect.fast_open", .boolean, "the connect was made by TCP Fast Open")
  static let wasInterrupted = AttributeRow(
    "apus.tcp.connect.interrupted", .boolean,
    "a signal ended the call, and the connect went on to this outcome")
  static let isBeforeAgent = AttributeRow(
    "apus.tcp.connect.before_agent", .boolean, "the connect began before the agent did")
  package static let cause = AttributeRow(
    "apus.tcp.retransmit.cause", .string,
    "why it was sent again: \(retransmitCauses.joined(separator: ", "))")
  static let segments = AttributeRow(
    "apus.tcp.retransmit.segments", .int, unit: "{segment}", "as TcpRetransSegs counts them")
  static let bytes = AttributeRow(
    "apus.tcp.retransmit.bytes", .int, unit: "By", "payload that was sent again")
  static let sequence = AttributeRow(
    "apus.tcp.retransmit.sequence", .int, "sequence number of the first byte")
  static let smoothedRTT = AttributeRow(
    "apus.tcp.srtt", .double, unit: "s", "smoothed round-trip time")

  // Of metrics only.
  package static let device = AttributeRow(
    "system.device", .string, "name of the block device, such as sda")
  package static let operation = AttributeRow(
    "apus.disk.io.operation", .string, blockOperations.joined(separator: ", "))
}
