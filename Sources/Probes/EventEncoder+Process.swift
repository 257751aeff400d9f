// SPDX-License-Identifier: Apache-2.0
// Execution and exit records, from the ring's memory to OTLP bytes in one pass.

package import CApusABI
internal import Config
package import Kernel
package import OTLP

enum ExecForm: EventForm {
  typealias Layout = apus_exec
  static var kind: apus_kind { APUS_KIND_EXEC }
  static func cgroup(_ record: borrowing Record<Layout>) -> UInt64 { record.process.cgroup_key }
  static func isComplete(_ record: borrowing Record<Layout>) -> Bool {
    EventEncoder.isComplete(record)
  }
  static func execution(_ record: borrowing Record<Layout>) -> ExecutionKey? {
    ExecutionKey(cgroup: record.process.cgroup_key, error: record.error)
  }
  static func encode(
    _ record: borrowing Record<Layout>, with encoder: inout EventEncoder,
    to writer: inout WireWriter
  ) {
    encoder.encode(exec: record, to: &writer)
  }
}

enum ExitForm: EventForm {
  typealias Layout = apus_exit
  static var kind: apus_kind { APUS_KIND_EXIT }
  static func cgroup(_ record: borrowing Record<Layout>) -> UInt64 { record.process.cgroup_key }
  static func encode(
    _ record: borrowing Record<Layout>, with encoder: inout EventEncoder,
    to writer: inout WireWriter
  ) {
    encoder.encode(exit: record, to: &writer)
  }
}

extension EventEncoder {
  /// The sizes that an exec record names, checked against what there is of it.
  package static func isComplete(_ record: borrowing Record<apus_exec>) -> Bool {
    let need = UInt64(record.path_size) + UInt64(record.name_size) + UInt64(record.args_size)
    return need <= UInt64(record.payload.byteCount)
      && record.path_size <= APUS_PATH_MAX && record.args_size <= APUS_ARGS_MAX
  }

  /// Writes an execution; `isComplete` must hold.
  package mutating func encode(
    exec record: borrowing Record<apus_exec>, to writer: inout WireWriter
  ) {
    let header = record.header
    let process = record.process
    let flags = record.flags
    begin(header, templates.exec, &writer)
    identify(process, &writer)
    writer.attribute(keys.thread, int: Int64(record.caller_tid))

    let payload = record.payload
    let pathEnd = Int(record.path_size)
    let nameEnd = pathEnd + Int(record.name_size)
    let argumentsEnd = nameEnd + Int(record.args_size)
    if pathEnd > 0 {
      put(
        path: payload.extracting(first: pathEnd),
        isDeleted: flags & APUS_EXEC_PATH_DELETED.rawValue != 0, &writer)
    }
    if flags & APUS_EXEC_PATH_TRUNCATED.rawValue != 0 {
      writer.attribute(keys.pathTruncated, bool: true)
    }
    unsafe payload.extracting(pathEnd..<nameEnd).withUnsafeBytes { name in
      unsafe writer.attribute(keys.invokedName, lossy: cut(name))
    }
    put(arguments: payload.extracting(nameEnd..<argumentsEnd), of: record, &writer)
    put(error: record.error, &writer)
  }

  /// Writes an exit.
  package mutating func encode(
    exit record: borrowing Record<apus_exit>, to writer: inout WireWriter
  ) {
    let signal = Int(record.signal)
    begin(record.header, signal == 0 ? templates.exit : templates.killed, &writer)
    identify(record.process, &writer)
    writer.attribute(keys.exitCode, int: Int64(record.code))
    if signal != 0 {
      writer.attribute(
        keys.signal, string: templates.signals[signal < templates.signals.count ? signal : 0])
      writer.attribute(
        keys.coreDumped, bool: record.flags & APUS_EXIT_CORE_DUMPED.rawValue != 0)
    }
    writer.attribute(keys.lifetime, double: Double(record.lifetime_ns) / 1e9)
  }

  /// Turns the components round: the kernel walks from the leaf to the root.
  private mutating func put(
    path leafFirst: RawSpan, isDeleted: Bool, _ writer: inout WireWriter
  ) {
    unsafe leafFirst.withUnsafeBytes { source in
      var end = source.count
      var written = 0
      var leaf = 0..<source.count
      while end > 0 {
        var start = end
        while start > 0, unsafe source[start - 1] != UInt8(ascii: "/") { start -= 1 }
        unsafe path[written] = UInt8(ascii: "/")
        unsafe UnsafeMutableRawBufferPointer(rebasing: path[(written + 1)...]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[start..<end]))
        written += 1 + end - start
        leaf = start..<end
        end = start - 1
      }
      if isDeleted {
        // As /proc/PID/exe says it; a memfd never had a name, and reads the same there.
        let suffix: StaticString = " (deleted)"
        unsafe UnsafeMutableRawBufferPointer(rebasing: path[written...]).copyMemory(
          from: UnsafeRawBufferPointer(start: suffix.utf8Start, count: suffix.utf8CodeUnitCount))
        written += suffix.utf8CodeUnitCount
        writer.attribute(keys.pathDeleted, bool: true)
      }
      unsafe writer.attribute(
        keys.path,
        lossy: cut(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(path)[..<written])))
      unsafe writer.attribute(keys.name, lossy: cut(UnsafeRawBufferPointer(rebasing: source[leaf])))
    }
  }

  private mutating func put(
    arguments: RawSpan, of record: borrowing Record<apus_exec>, _ writer: inout WireWriter
  ) {
    let flags = record.flags
    writer.attribute(keys.argumentCount, int: Int64(record.args_count))
    if flags & APUS_EXEC_ARGS_UNREADABLE.rawValue != 0 {
      writer.attribute(keys.unreadable, bool: true)
    }
    if flags & APUS_EXEC_ARGS_TRUNCATED.rawValue != 0 {
      writer.attribute(keys.truncated, bool: true)
      writer.attribute(keys.argumentsLength, int: Int64(record.args_length))
    }
    guard privacy != .none, arguments.byteCount > 0 else { return }
    unsafe arguments.withUnsafeBytes { bytes in
      redactor.begin()
      let array = writer.openArray(keys.arguments)
      var start = 0
      while start < bytes.count {
        let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[start...])
        let length = unsafe UTF8Text.lengthBeforeNUL(rest)
        let argument = unsafe UnsafeRawBufferPointer(rebasing: rest[..<length])
        unsafe writer.element(
          lossy: cut(privacy == .full ? argument : redactor.visible(argument)))
        start += length + 1
      }
      writer.close(array, of: keys.arguments)
      let first = unsafe UTF8Text.lengthBeforeNUL(bytes)
      redactor.begin()
      let command = unsafe UnsafeRawBufferPointer(rebasing: bytes[..<first])
      unsafe writer.attribute(
        keys.command, lossy: cut(privacy == .full ? command : redactor.visible(command)))
    }
  }
}
