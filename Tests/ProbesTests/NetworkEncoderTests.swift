// SPDX-License-Identifier: Apache-2.0
// Connects and retransmissions made by hand, encoded, and read back field by field.

import CApusABI
import Glibc
import Kernel
import OTLP
import Testing

@testable import Probes

private func encoded(_ connect: apus_connect) throws -> DecodedRecord {
  try encode { encoder, writer in
    let bytes = rawBytes(of: connect)
    encoder.encode(connect: try Record<apus_connect>(bytes.span.bytes), to: &writer)
  }
}

private func encoded(_ retransmit: apus_retransmit) throws -> DecodedRecord {
  try encode { encoder, writer in
    let bytes = rawBytes(of: retransmit)
    encoder.encode(retransmit: try Record<apus_retransmit>(bytes.span.bytes), to: &writer)
  }
}

@Suite("network events as OTLP")
struct NetworkEncoderTests {
  private let ends: [String: DecodedValue] = [
    "network.transport": .text("tcp"), "network.type": .text("ipv4"),
    "source.address": .text("10.1.2.3"), "source.port": .integer(40_001),
    "destination.address": .text("192.168.0.254"), "destination.port": .integer(443),
    "apus.socket.cookie": .integer(0x1_0000_0007),
    "apus.network.namespace": .integer(4_026_531_840),
  ]

  @Test("a connect that came about has exactly these fields")
  func established() throws {
    let record = try encoded(apus_connect.known())
    #expect(record.event == "apus.tcp.connect" && record.severity == 9)
    #expect(record.time == 1_700_000_004_000_000_000)
    var expected = processIdentity.merging(ends) { one, _ in one }
    expected["log.record.uid"] = .text(
      "0123abcd456789ef0123456789abcdef-6a5b4c3d-04-0001-0000000000000009")
    expected["apus.process.thread_id"] = .integer(4243)
    expected["apus.tcp.connect.outcome"] = .text("established")
    expected["apus.tcp.connect.duration"] = .real(0.00125)
    #expect(record.attributes == expected)
    #expect(record.keys.count == expected.count)
  }

  @Test(
    "each outcome has its word, and its errno the kernel's name",
    arguments: [
      (APUS_CONNECT_REFUSED, ECONNREFUSED, "refused", "ECONNREFUSED", 13),
      (APUS_CONNECT_TIMED_OUT, ETIMEDOUT, "timed_out", "ETIMEDOUT", 13),
      (APUS_CONNECT_UNREACHABLE, EHOSTUNREACH, "unreachable", "EHOSTUNREACH", 13),
      (APUS_CONNECT_RESET, ECONNRESET, "reset", "ECONNRESET", 13),
      (APUS_CONNECT_DENIED, EPERM, "denied", "EPERM", 13),
      (APUS_CONNECT_INTERRUPTED, EINTR, "interrupted", "EINTR", 13),
      (APUS_CONNECT_ABANDONED, 0, "abandoned", nil, 9),
      (APUS_CONNECT_PENDING, 0, "pending", nil, 9),
      (APUS_CONNECT_FAILED, EADDRNOTAVAIL, "failed", "EADDRNOTAVAIL", 13),
      (APUS_CONNECT_OUTCOMES, 4000, "_OTHER", "_OTHER", 13),
    ] as [(apus_connect_outcome, Int32, String, String?, UInt64)])
  func outcomes(
    outcome: apus_connect_outcome, code: Int32, word: String, errno: String?, severity: UInt64
  ) throws {
    var connect = apus_connect.known()
    connect.outcome = UInt16(outcome.rawValue)
    connect.error = UInt32(code)
    let record = try encoded(connect)
    #expect(record.attributes["apus.tcp.connect.outcome"] == .text(word))
    #expect(record.attributes["error.type"] == errno.map { .text($0) })
    #expect(record.severity == severity)
  }

  @Test("IPv6 is IPv6, and what is not known is not there")
  func sparse() throws {
    var connect = apus_connect.known()
    connect.ends.makeIPv6()
    connect.ends.local_port = 0
    connect.ends.cookie = 0
    connect.flags = UInt16(
      APUS_CONNECT_BEFORE_AGENT.rawValue | APUS_CONNECT_NO_OWNER.rawValue
        | APUS_CONNECT_IO_URING.rawValue | APUS_CONNECT_FAST_OPEN.rawValue
        | APUS_CONNECT_WAS_INTERRUPTED.rawValue)
    let record = try encoded(connect)
    let expected: [String: DecodedValue] = [
      "log.record.uid": .text("0123abcd456789ef0123456789abcdef-6a5b4c3d-04-0001-0000000000000009"),
      "apus.cgroup.key": .integer(987_654_321 | 1 << 60),
      "network.transport": .text("tcp"), "network.type": .text("ipv6"),
      "source.address": .text("2001:db8::1"), "destination.address": .text("fe80::2"),
      "destination.port": .integer(443), "apus.network.namespace": .integer(4_026_531_840),
      "apus.tcp.connect.outcome": .text("established"),
      "apus.tcp.connect.before_agent": .truth(true), "apus.tcp.connect.io_uring": .truth(true),
      "apus.tcp.connect.fast_open": .truth(true), "apus.tcp.connect.interrupted": .truth(true),
    ]
    #expect(record.attributes == expected)
  }

  @Test("a retransmission has exactly these fields, and its owner's")
  func retransmit() throws {
    var retransmit = apus_retransmit.known()
    retransmit.ends.flags = UInt16(APUS_ENDS_V4_MAPPED.rawValue)
    retransmit.error = UInt32(ENOBUFS)
    let record = try encoded(retransmit)
    #expect(record.event == "apus.tcp.retransmit" && record.severity == 9)
    var expected = processIdentity.merging(ends) { one, _ in one }
    expected["log.record.uid"] = .text(
      "0123abcd456789ef0123456789abcdef-6a5b4c3d-05-0001-0000000000000009")
    expected["apus.socket.v4_mapped"] = .truth(true)
    expected["apus.socket.owner.origin"] = .text("accepted")
    expected["apus.tcp.retransmit.cause"] = .text("fast")
    expected["apus.tcp.retransmit.segments"] = .integer(7)
    expected["apus.tcp.retransmit.bytes"] = .integer(9800)
    expected["apus.tcp.retransmit.sequence"] = .integer(4_000_000_000)
    expected["network.connection.state"] = .text("established")
    expected["apus.tcp.srtt"] = .real(0.0015)
    expected["error.type"] = .text("ENOBUFS")
    #expect(record.attributes == expected)
  }

  @Test("a retransmission of nobody's socket names its cgroup, and no process")
  func unowned() throws {
    var retransmit = apus_retransmit.known()
    retransmit.origin = UInt32(APUS_OWNER_NONE.rawValue)
    retransmit.srtt_us = 0
    let record = try encoded(retransmit)
    #expect(record.attributes["apus.cgroup.key"] == .integer(987_654_321 | 1 << 60))
    for key in ["process.pid", "apus.socket.owner.origin", "apus.tcp.srtt", "error.type"] {
      #expect(record.attributes[key] == nil)
    }
  }
}
