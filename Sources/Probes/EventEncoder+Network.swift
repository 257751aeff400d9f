// SPDX-License-Identifier: Apache-2.0
// Connect and retransmit records, from the ring's memory to OTLP bytes in one pass.

package import CApusABI
internal import Glibc
package import Kernel
package import OTLP
internal import Platform

enum ConnectForm: EventForm {
  typealias Layout = apus_connect
  static var kind: apus_kind { APUS_KIND_CONNECT }
  static func cgroup(_ record: borrowing Record<Layout>) -> UInt64 { record.process.cgroup_key }
  static func encode(
    _ record: borrowing Record<Layout>, with encoder: inout EventEncoder,
    to writer: inout WireWriter
  ) {
    encoder.encode(connect: record, to: &writer)
  }
}

enum RetransmitForm: EventForm {
  typealias Layout = apus_retransmit
  static var kind: apus_kind { APUS_KIND_RETRANSMIT }
  static func cgroup(_ record: borrowing Record<Layout>) -> UInt64 { record.process.cgroup_key }
  static func encode(
    _ record: borrowing Record<Layout>, with encoder: inout EventEncoder,
    to writer: inout WireWriter
  ) {
    encoder.encode(retransmit: record, to: &writer)
  }
}

extension EventEncoder {
  /// Writes how a connect ended.
  package mutating func encode(
    connect record: borrowing Record<apus_connect>, to writer: inout WireWriter
  ) {
    let flags = UInt32(record.flags)
    let outcome = Int(record.outcome)
    let isCalm = [APUS_CONNECT_ESTABLISHED, APUS_CONNECT_ABANDONED, APUS_CONNECT_PENDING]
      .contains { Int($0.rawValue) == outcome }
    begin(record.header, isCalm ? templates.connect : templates.connectFailed, &writer)
    let process = record.process
    if flags & APUS_CONNECT_NO_OWNER.rawValue == 0 {
      identify(process, &writer)
      writer.attribute(keys.thread, int: Int64(process.tid))
    } else {
      writer.attribute(keys.cgroup, int: Int64(bitPattern: process.cgroup_key))
    }
    put(ends: record.ends, &writer)
    writer.attribute(
      network.outcome,
      string: network.outcomes[outcome < network.outcomes.count ? outcome : 0])
    put(error: record.error, &writer)
    if flags & APUS_CONNECT_BEFORE_AGENT.rawValue == 0 {
      writer.attribute(network.duration, double: Double(record.latency_ns) / 1e9)
    } else {
      writer.attribute(network.isBeforeAgent, bool: true)
    }
    if flags & APUS_CONNECT_IO_URING.rawValue != 0 {
      writer.attribute(network.isIOUring, bool: true)
    }
    if flags & APUS_CONNECT_FAST_OPEN.rawValue != 0 {
      writer.attribute(network.isFastOpen, bool: true)
    }
    if flags & APUS_CONNECT_WAS_INTERRUPTED.rawValue != 0 {
      writer.attribute(network.wasInterrupted, bool: true)
    }
  }

  /// Writes one retransmission, of one segment or several.
  package mutating func encode(
    retransmit record: borrowing Record<apus_retransmit>, to writer: inout WireWriter
  ) {
    begin(record.header, templates.retransmit, &writer)
    let origin = Int(record.origin)
    let process = record.process
    if origin == Int(APUS_OWNER_NONE.rawValue) {
      writer.attribute(keys.cgroup, int: Int64(bitPattern: process.cgroup_key))
    } else {
      identify(process, &writer)
      writer.attribute(
        network.ownerOrigin,
        string: network.origins[origin < network.origins.count ? origin : 0])
    }
    put(ends: record.ends, &writer)
    let cause = Int(record.cause)
    writer.attribute(
      network.cause, string: network.causes[cause < network.causes.count ? cause : 0])
    writer.attribute(network.segments, int: Int64(record.segments))
    writer.attribute(network.bytes, int: Int64(record.length))
    writer.attribute(network.sequence, int: Int64(record.sequence))
    let state = Int(record.state)
    writer.attribute(
      network.state, string: network.states[state < network.states.count ? state : 0])
    let roundTrip = record.srtt_us
    if roundTrip > 0 { writer.attribute(network.smoothedRTT, double: Double(roundTrip) / 1e6) }
    put(error: record.error, &writer)
  }

  /// Our end is the source: a connect begins there, and so does what is sent again.
  private mutating func put(ends: apus_ends, _ writer: inout WireWriter) {
    writer.attribute(network.transport, string: network.tcp)
    if ends.family != 0 {
      let isIPv6 = Int32(ends.family) == AF_INET6
      writer.attribute(network.type, string: isIPv6 ? network.ipv6 : network.ipv4)
      put(network.sourceAddress, ends.local, isIPv6, &writer)
      put(network.destinationAddress, ends.remote, isIPv6, &writer)
    }
    if ends.local_port != 0 { writer.attribute(network.sourcePort, int: Int64(ends.local_port)) }
    if ends.remote_port != 0 {
      writer.attribute(network.destinationPort, int: Int64(ends.remote_port))
    }
    if UInt32(ends.flags) & APUS_ENDS_V4_MAPPED.rawValue != 0 {
      writer.attribute(network.isV4Mapped, bool: true)
    }
    if ends.cookie != 0 {
      writer.attribute(network.cookie, int: Int64(bitPattern: ends.cookie))
    }
    writer.attribute(network.namespace, int: Int64(ends.net_namespace))
  }

  private mutating func put<Bytes>(
    _ key: AttributeKey, _ bytes: Bytes, _ isIPv6: Bool, _ writer: inout WireWriter
  ) {
    unsafe withUnsafeBytes(of: bytes) { bytes in
      unsafe address.set(RawSpan(_unsafeBytes: bytes), isIPv6: isIPv6)
    }
    address.with { writer.attribute(key, lossy: $0) }
  }
}
