// SPDX-License-Identifier: Apache-2.0
// Records made by hand, encoded, and read back field by field.

import CApusABI
import Config
import Kernel
import OTLP
import Testing

@testable import Probes

private func encoded(
  _ shape: ExecShape, _ privacy: ArgumentPrivacy = .redacted
) throws -> DecodedRecord {
  try encode(privacy) { encoder, writer in
    let bytes = shape.bytes
    let record = try Record<apus_exec>(bytes.span.bytes)
    let isComplete = EventEncoder.isComplete(record)
    #expect(isComplete)
    encoder.encode(exec: record, to: &writer)
  }
}

private func encoded(_ exit: apus_exit) throws -> DecodedRecord {
  try encode { encoder, writer in
    let bytes = rawBytes(of: exit)
    encoder.encode(exit: try Record<apus_exit>(bytes.span.bytes), to: &writer)
  }
}

@Suite("process events as OTLP")
struct EncoderTests {
  @Test("an execution has exactly these fields")
  func exec() throws {
    let record = try encoded(ExecShape())
    #expect(record.time == 1_700_000_002_000_000_000)
    #expect(record.observed == 1_700_000_003_000_000_001)
    #expect(record.severity == 9 && record.severityText == "INFO")
    #expect(record.event == "apus.process.exec")
    var expected = processIdentity
    expected["log.record.uid"] = .text(
      "0123abcd456789ef0123456789abcdef-6a5b4c3d-01-002a-123456789abcdef0")
    expected["apus.process.thread_id"] = .integer(4299)
    expected["process.executable.path"] = .text("/usr/bin/true")
    expected["process.executable.name"] = .text("true")
    expected["apus.process.invoked_name"] = .text("./true")
    expected["process.args_count"] = .integer(4)
    expected["process.command"] = .text("true")
    expected["process.command_args"] = .list(["true", "--token=*****", "--password", "*****"])
    #expect(record.attributes == expected)
    #expect(Set(record.keys).count == record.keys.count)
  }

  @Test("an exit has exactly these fields")
  func exit() throws {
    let record = try encoded(exitRecord())
    #expect(record.time == 1_700_000_004_000_000_000)
    #expect(record.severity == 9 && record.severityText == "INFO")
    #expect(record.event == "apus.process.exit")
    var expected = processIdentity
    expected["log.record.uid"] = .text(
      "0123abcd456789ef0123456789abcdef-6a5b4c3d-02-0001-0000000000000009")
    expected["process.exit.code"] = .integer(3)
    expected["apus.process.lifetime"] = .real(2.5)
    #expect(record.attributes == expected)
  }

  @Test("what happened after the turn began was not observed before it happened")
  func observedLater() throws {
    let record = try encoded(exitRecord())
    #expect(record.time > 1_700_000_003_000_000_001)
    #expect(record.observed == record.time)
  }

  @Test(
    "a killed process is a warning with the signal's name",
    arguments: [
      (9, "SIGKILL", 0, false), (11, "SIGSEGV", 1, true), (64, "64", 0, false),
    ] as [(UInt32, String, UInt32, Bool)])
  func killed(signal: UInt32, name: String, flags: UInt32, hasCore: Bool) throws {
    let record = try encoded(exitRecord(code: 0, signal: signal, flags: flags))
    #expect(record.severity == 13 && record.severityText == "WARN")
    #expect(record.attributes["apus.process.exit.signal"] == .text(name))
    #expect(record.attributes["apus.process.exit.core_dumped"] == .truth(hasCore))
    #expect(record.attributes["process.exit.code"] == .integer(0))
  }

  @Test(
    "a failed execution names its error, and has no path",
    arguments: [
      (2, "ENOENT"), (13, "EACCES"), (8, "ENOEXEC"), (133, "EHWPOISON"), (134, "_OTHER"),
      (524, "_OTHER"), (.max, "_OTHER"),
    ] as [(UInt32, String)])
  func failed(error: UInt32, name: String) throws {
    var shape = ExecShape()
    (shape.error, shape.path) = (error, "")
    let record = try encoded(shape)
    #expect(record.attributes["error.type"] == .text(name))
    #expect(record.attributes["process.executable.path"] == nil)
    #expect(record.attributes["apus.process.invoked_name"] == .text("./true"))
    #expect(record.event == "apus.process.exec")
  }

  @Test(
    "paths come leaf first and are shown root first",
    arguments: [
      ("true/bin/usr", 0, "/usr/bin/true", "true"), ("init", 0, "/init", "init"),
      ("a b/é", 0, "/é/a b", "a b"), ("x//y", 0, "/y//x", "x"),
      ("memfd:run", 16, "/memfd:run (deleted)", "memfd:run"),
      ("tool/tmp", 16, "/tmp/tool (deleted)", "tool"), ("cut/rest", 4, "/rest/cut", "cut"),
    ] as [(String, UInt32, String, String)])
  func path(leafFirst: String, flags: UInt32, path: String, name: String) throws {
    var shape = ExecShape()
    (shape.path, shape.flags) = (leafFirst, flags)
    let attributes = try encoded(shape).attributes
    #expect(attributes["process.executable.path"] == .text(path))
    #expect(attributes["process.executable.name"] == .text(name))
    #expect(attributes["apus.process.path_deleted"] == (flags == 16 ? .truth(true) : nil))
    #expect(attributes["apus.process.path_truncated"] == (flags == 4 ? .truth(true) : nil))
  }

  @Test("the longest path, all separators, and deleted besides, fits its room")
  func longestPath() throws {
    var shape = ExecShape()
    shape.path = String(repeating: "/", count: Int(APUS_PATH_MAX))
    shape.flags = APUS_EXEC_PATH_DELETED.rawValue
    let text = try #require(try encoded(shape).attributes["process.executable.path"])
    #expect(text == .text(String(repeating: "/", count: 4096) + " (deleted)"))
  }

  @Test("privacy decides what is shown of arguments, and their number is always told")
  func privacy() throws {
    let full = try encoded(ExecShape(), .full).attributes
    #expect(
      full["process.command_args"] == .list(["true", "--token=abc", "--password", "hunter2"]))
    let none = try encoded(ExecShape(), .none).attributes
    #expect(none["process.command_args"] == nil && none["process.command"] == nil)
    #expect(none["process.args_count"] == .integer(4))
  }

  @Test("empty, missing and cut arguments stay what they are")
  func arguments() throws {
    var shape = ExecShape()
    shape.arguments = Array("a\0\0\0last".utf8)
    shape.flags = APUS_EXEC_ARGS_TRUNCATED.rawValue
    let cut = try encoded(shape).attributes
    #expect(cut["process.command_args"] == .list(["a", "", "", "last"]))
    #expect(cut["apus.process.args_truncated"] == .truth(true))
    #expect(cut["apus.process.args_length"] == .integer(8))
    shape.arguments = []
    shape.flags = APUS_EXEC_ARGS_UNREADABLE.rawValue
    let unreadable = try encoded(shape).attributes
    #expect(unreadable["process.command_args"] == nil)
    #expect(unreadable["apus.process.args_unreadable"] == .truth(true))
  }

  @Test("an unset login user is no login user")
  func login() throws {
    var shape = ExecShape()
    shape.process.login_uid = .max
    let attributes = try encoded(shape).attributes
    #expect(attributes["apus.process.login_user.id"] == nil)
    #expect(attributes["apus.process.audit_session.id"] == nil)
  }

  @Test("a second record of the same second has its own fraction")
  func creation() throws {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { memory.deallocate() }
    var encoder = EventEncoder(privacy: .full, bootID: boot, epochSeconds: 1)
    var texts: [DecodedValue?] = []
    for start in [59_000_000_001, 59_999_999_999, 60_000_000_000, 59_000_000_001] as [UInt64] {
      var exit = exitRecord()
      exit.process.start_ns = start
      var writer = WireWriter(memory)
      let bytes = rawBytes(of: exit)
      encoder.encode(exit: try Record<apus_exit>(bytes.span.bytes), to: &writer)
      texts.append(try DecodedRecord(Array(writer.written)).attributes["process.creation.time"])
    }
    #expect(
      texts == [
        .text("1970-01-01T00:00:59.000000001Z"), .text("1970-01-01T00:00:59.999999999Z"),
        .text("1970-01-01T00:01:00.000000000Z"), .text("1970-01-01T00:00:59.000000001Z"),
      ])
  }

  @Test("uids are the same for the same record and differ in kind, processor and sequence")
  func uid() throws {
    var uid = RecordUID(bootID: boot, epochSeconds: 5)
    var texts: Set<String> = []
    for kind in [1, 2] as [UInt16] {
      for cpu in [0, 1, 255, 256, 65_535] as [UInt16] {
        for sequence in [0, 1, 15, 16, 1 << 32, .max] as [UInt64] {
          for _ in 0..<2 {
            uid.with(kind: kind, cpu: cpu, sequence: sequence) { text in
              texts.insert(text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
            }
          }
        }
      }
    }
    #expect(texts.count == 60)
    #expect(texts.allSatisfy { $0.utf8.count == 66 })
    var unknown = RecordUID(bootID: "", epochSeconds: 5)
    unknown.with(kind: 1, cpu: 2, sequence: 3) { text in
      #expect(
        text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
          == "00000000000000000000000000000000-00000005-01-0002-0000000000000003")
    }
  }
}

@Suite("records that are not whole")
struct TruncationTests {
  @Test("an exec record is refused at every length below its fixed part")
  func lengths() throws {
    let bytes = ExecShape().bytes
    for length in 0..<144 {
      let part = Array(bytes[..<length])
      var refusal: DecodeError?
      do throws(DecodeError) { _ = try Record<apus_exec>(part.span.bytes) } catch {
        refusal = error
      }
      #expect(refusal == .truncated(have: length, need: 144))
    }
    _ = try Record<apus_exec>(Array(bytes[..<144]).span.bytes)
  }

  @Test(
    "sizes that lie are seen",
    arguments: [
      (0, 0, 0, 0, true), (1, 0, 0, 1, true), (1, 0, 0, 0, false), (0, 1, 0, 0, false),
      (0, 0, 1, 0, false), (10, 10, 10, 30, true), (10, 10, 11, 30, false),
      (4096, 0, 0, 4096, true), (4097, 0, 0, 4097, false), (0, 0, 8192, 8192, true),
      (0, 0, 8193, 8193, false), (.max, 1, 0, 100, false), (.max, .max, .max, 13_000, false),
      (0, .max, 1, 1, false),
    ] as [(UInt32, UInt32, UInt32, Int, Bool)])
  func sizes(path: UInt32, name: UInt32, args: UInt32, payload: Int, isComplete: Bool) throws {
    var exec = ExecShape().fixed
    (exec.path_size, exec.name_size, exec.args_size) = (path, name, args)
    let bytes = rawBytes(of: exec) + [UInt8](repeating: 0x41, count: payload)
    let seen = EventEncoder.isComplete(try Record<apus_exec>(bytes.span.bytes))
    #expect(seen == isComplete)
  }
}
