// SPDX-License-Identifier: Apache-2.0
// The rows of events against what the encoder writes: every attribute that can be, and no other.

import CApusABI
import Config
import Glibc
import Kernel
import OTLP
import Testing

@testable import Probes

@Suite("rows of events")
struct EventRowTests {
  /// Whether the value is of the type that the row says.
  private static func isOfKind(_ value: DecodedValue, _ kind: AttributeRow.Kind) -> Bool {
    switch (value, kind) {
    case (.text, .string), (.integer, .int), (.truth, .boolean), (.real, .double),
      (.list, .strings):
      true
    default: false
    }
  }

  /// Checks one row against records of it that have, taken together, all that there can be.
  private static func check(_ row: EventRow, _ records: [DecodedRecord]) {
    var seen: Set<String> = []
    for record in records {
      #expect(record.event == row.name)
      for use in row.attributes where use.condition.isEmpty {
        #expect(record.attributes[use.row.name] != nil, "\(row.name) lacks \(use.row.name)")
      }
      for (key, value) in record.attributes {
        let use = row.attributes.first { $0.row.name == key }
        #expect(use.map { isOfKind(value, $0.row.kind) } == true, "\(row.name): \(key)")
        seen.insert(key)
      }
    }
    #expect(seen == Set(row.attributes.map(\.row.name)), "\(row.name)")
    #expect(row.attributes.count <= ForeignVariables.attributesMax)
  }

  private static func process(_ change: (inout apus_process) -> Void) -> apus_process {
    var process = apus_process.known()
    change(&process)
    return process
  }

  /// Nobody is logged in.
  private static let daemon = process { $0.login_uid = .max }

  @Test("executions")
  func exec() throws {
    var whole = ExecShape()
    whole.flags =
      APUS_EXEC_PATH_DELETED.rawValue | APUS_EXEC_PATH_TRUNCATED.rawValue
      | APUS_EXEC_ARGS_UNREADABLE.rawValue | APUS_EXEC_ARGS_TRUNCATED.rawValue
    var failed = ExecShape(process: Self.daemon, path: "", arguments: [], argumentCount: 0)
    failed.error = UInt32(ENOENT)
    let records = try [whole, failed].map { shape in
      try encode { encoder, writer in
        let bytes = shape.bytes
        encoder.encode(exec: try Record<apus_exec>(bytes.span.bytes), to: &writer)
      }
    }
    Self.check(.exec, records)
  }

  @Test("exits")
  func exit() throws {
    var plain = exitRecord()
    plain.process = Self.daemon
    let records = try [plain, exitRecord(signal: 9)].map { exit in
      try encode { encoder, writer in
        let bytes = rawBytes(of: exit)
        encoder.encode(exit: try Record<apus_exit>(bytes.span.bytes), to: &writer)
      }
    }
    Self.check(.exit, records)
  }

  @Test("connects")
  func connect() throws {
    var whole = apus_connect.known()
    whole.flags = UInt16(
      APUS_CONNECT_IO_URING.rawValue | APUS_CONNECT_FAST_OPEN.rawValue
        | APUS_CONNECT_WAS_INTERRUPTED.rawValue)
    whole.error = UInt32(ECONNREFUSED)
    whole.ends.flags = UInt16(APUS_ENDS_V4_MAPPED.rawValue)
    var bare = apus_connect.known()
    bare.flags = UInt16(
      APUS_CONNECT_NO_OWNER.rawValue | APUS_CONNECT_BEFORE_AGENT.rawValue)
    bare.ends = apus_ends()
    let records = try [whole, bare].map { connect in
      try encode { encoder, writer in
        let bytes = rawBytes(of: connect)
        encoder.encode(connect: try Record<apus_connect>(bytes.span.bytes), to: &writer)
      }
    }
    Self.check(.connect, records)
  }

  @Test("retransmissions")
  func retransmit() throws {
    var whole = apus_retransmit.known()
    whole.error = UInt32(ENOBUFS)
    whole.ends.flags = UInt16(APUS_ENDS_V4_MAPPED.rawValue)
    var bare = apus_retransmit.known()
    bare.origin = UInt32(APUS_OWNER_NONE.rawValue)
    bare.ends = apus_ends()
    bare.srtt_us = 0
    let records = try [whole, bare].map { retransmit in
      try encode { encoder, writer in
        let bytes = rawBytes(of: retransmit)
        encoder.encode(retransmit: try Record<apus_retransmit>(bytes.span.bytes), to: &writer)
      }
    }
    Self.check(.retransmit, records)
  }

  @Test("a limit on the length of attributes cuts what programs choose, between characters")
  func lengths() throws {
    var shape = ExecShape()
    shape.path = "trüe/bin/usr"
    shape.name = "./trüe"
    shape.arguments = Array("trüe\0--\u{1f600}\u{1f600}\0ab\0".utf8) + [0xff, 0xff, 0xff, 0xff, 0]
    shape.argumentCount = 4
    let record = try encode(.full, charactersMax: 3) { encoder, writer in
      let bytes = shape.bytes
      encoder.encode(exec: try Record<apus_exec>(bytes.span.bytes), to: &writer)
    }
    #expect(record.attributes["process.executable.path"] == .text("/us"))
    #expect(record.attributes["process.executable.name"] == .text("trü"))
    #expect(record.attributes["apus.process.invoked_name"] == .text("./t"))
    #expect(record.attributes["apus.process.comm"] == .text("tru"))
    #expect(record.attributes["process.command"] == .text("trü"))
    #expect(
      record.attributes["process.command_args"]
        == .list(["trü", "--\u{1f600}", "ab", "\u{fffd}\u{fffd}\u{fffd}"]))
    // Our own words are whole, or a duplicate could not be told from another record.
    #expect(
      record.attributes["log.record.uid"]
        == .text("0123abcd456789ef0123456789abcdef-6a5b4c3d-01-002a-123456789abcdef0"))
  }
}
