// SPDX-License-Identifier: Apache-2.0
// A log record of the shape and size of an exec event: about 25 attributes and 1 KiB of OTLP.

internal import OTLP

/// The templates of one event kind, made once.
@safe
struct ExecShape {
  private let constants = Template { writer in
    writer.varint(9, field: 2)
    writer.string("INFO", field: 3)
    writer.string("apus.process.exec", field: 12)
  }
  private let integers: [AttributeKey]
  private let texts: [AttributeKey]
  private let outcome = AttributeKey("apus.process.exec.outcome", field: AttributesField.log)
  private let success = Template { $0.raw(Array("success".utf8)) }
  private let truncated = AttributeKey("apus.process.args.truncated", field: AttributesField.log)
  private let arguments = AttributeKey("process.command_args", field: AttributesField.log)
  /// Stands for the ring's memory: the texts, then the arguments.
  private let memory: UnsafeRawBufferPointer
  private let ends: [Int]

  init() {
    let integerNames = [
      "process.pid", "apus.thread.id", "process.parent_pid", "process.vpid", "process.user.id",
      "process.real_user.id", "process.group_leader.pid", "process.session_leader.pid",
      "apus.process.login_uid", "apus.process.pid_namespace", "apus.process.mount_namespace",
      "apus.process.args.length",
    ]
    let textNames = [
      "process.executable.path", "process.executable.name", "process.command",
      "process.working_directory", "process.creation.time", "log.record.uid",
      "apus.cgroup.path", "process.title",
    ]
    let textValues = [
      "/usr/bin/curl", "curl", "curl", "/", "2026-11-21T06:52:19.123456789Z",
      "0f3c9a52-8b1e-4c55-9f7a-2f6f0d1f8a11-1-1-3-00012345",
      "/kubepods.slice/kubepods-burstable.slice/pod3f", "curl",
    ]
    integers = integerNames.map { AttributeKey($0, field: AttributesField.log) }
    texts = textNames.map { AttributeKey($0, field: AttributesField.log) }
    let parts = textValues + ["curl\0--silent\0--max-time\05\0https://10.0.0.1/health\0"]
    ends = parts.indices.map { index in parts[...index].reduce(0) { $0 + $1.utf8.count } }
    let bytes = parts.flatMap { Array($0.utf8) }
    // Never freed: there is one shape.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
    unsafe copy.copyBytes(from: bytes)
    unsafe memory = UnsafeRawBufferPointer(copy)
  }

  @inline(never)
  func encode(into writer: inout WireWriter, sequence: UInt64) {
    writer.fixed64(1_700_000_000_000_000_000 &+ sequence, field: 1)
    writer.fixed64(1_700_000_000_000_050_000 &+ sequence, field: 11)
    writer.raw(constants)
    for index in 0..<12 {
      writer.attribute(integers[index], int: Int64(truncatingIfNeeded: sequence & 0xffff))
    }
    for index in 0..<8 {
      unsafe writer.attribute(texts[index], lossy: part(index))
    }
    unsafe writer.attribute(arguments, nulSeparated: part(8))
    writer.attribute(outcome, string: success)
    writer.attribute(truncated, bool: false)
  }

  @inline(__always)
  private func part(_ index: Int) -> UnsafeRawBufferPointer {
    let start = index == 0 ? 0 : ends[index - 1]
    return unsafe UnsafeRawBufferPointer(rebasing: memory[start..<ends[index]])
  }
}
