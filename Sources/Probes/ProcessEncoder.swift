// SPDX-License-Identifier: Apache-2.0
// Execution and exit records, from the ring's memory to OTLP bytes in one pass.

package import CApusABI
package import Config
package import Kernel
package import OTLP
internal import Platform

/// Writes LogRecord messages.
///
/// Owned by the thread that reads the ring; nothing is allocated per record.
@safe
package struct ProcessEncoder: ~Copyable {
  private let keys = ProcessKeys()
  private let templates = EventTemplates()
  private let privacy: ArgumentPrivacy
  private var redactor = ArgumentRedactor(argumentMax: Int(APUS_ARGS_MAX))
  private var uid: RecordUID
  private var creation = CreationTime()
  private var owners = OwnerBlocks()
  private let path: UnsafeMutableRawBufferPointer

  /// What to add to a boot time, and the Unix time of the turn; the owner sets both per turn.
  package var unixOffset: UInt64 = 0
  package var observedNanoseconds: UInt64 = 0

  package init(privacy: ArgumentPrivacy, bootID: String, epochSeconds: UInt64) {
    self.privacy = privacy
    uid = RecordUID(bootID: bootID, epochSeconds: epochSeconds)
    unsafe path = .allocate(byteCount: Int(APUS_PATH_MAX) + 16, alignment: 16)
  }

  deinit { unsafe path.deallocate() }

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
    writer.attribute(keys.invokedName, lossy: payload.extracting(pathEnd..<nameEnd))
    put(arguments: payload.extracting(nameEnd..<argumentsEnd), of: record, &writer)
    if record.error != 0 {
      let code = Int(record.error)
      writer.attribute(
        keys.errorType, string: templates.errors[code < templates.errors.count ? code : 0])
    }
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

  /// Times, severity, name and identity of the record itself.
  private mutating func begin(
    _ header: apus_header, _ template: Template, _ writer: inout WireWriter
  ) {
    writer.fixed64(header.time_ns &+ unixOffset, field: 1)
    writer.fixed64(observedNanoseconds, field: 11)
    writer.raw(template)
    uid.with(kind: header.kind, cpu: header.cpu, sequence: header.sequence) { text in
      writer.attribute(keys.uid, lossy: text)
    }
  }

  private mutating func identify(_ process: apus_process, _ writer: inout WireWriter) {
    writer.attribute(keys.pid, int: Int64(process.pid))
    writer.attribute(keys.parentPID, int: Int64(process.parent_pid))
    writer.attribute(keys.namespacePID, int: Int64(process.namespace_pid))
    creation.set(process.start_ns &+ unixOffset)
    unsafe writer.attribute(keys.creationTime, lossy: creation.text.span.bytes)
    owners.put(process, keys, &writer)
    unsafe withUnsafeBytes(of: process.comm) { comm in
      let length = unsafe comm.firstIndex(of: 0) ?? comm.count
      unsafe writer.attribute(
        keys.comm, lossy: UnsafeRawBufferPointer(rebasing: comm[..<length]))
    }
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
        keys.path, lossy: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(path)[..<written])
      )
      unsafe writer.attribute(keys.name, lossy: UnsafeRawBufferPointer(rebasing: source[leaf]))
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
          lossy: privacy == .full ? argument : redactor.visible(argument))
        start += length + 1
      }
      writer.close(array, of: keys.arguments)
      let first = unsafe UTF8Text.lengthBeforeNUL(bytes)
      redactor.begin()
      let command = unsafe UnsafeRawBufferPointer(rebasing: bytes[..<first])
      unsafe writer.attribute(
        keys.command, lossy: privacy == .full ? command : redactor.visible(command))
    }
  }
}

/// A process's start as text.
///
/// Owned by the encoder.
///
/// Most processes of a moment started in the same second, so the date is kept between records.
private struct CreationTime {
  var text = InlineArray<30, UInt8>(repeating: 0)
  private var second: UInt64 = .max
  private var fraction: UInt64 = .max

  mutating func set(_ unixNanoseconds: UInt64) {
    let (second, fraction) = unixNanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    guard second == self.second else {
      writeISO8601(unixNanoseconds: unixNanoseconds, into: &text)
      self.second = second
      self.fraction = fraction
      return
    }
    // Parents and children have the same second, exec and exit the same nanosecond.
    guard fraction != self.fraction else { return }
    self.fraction = fraction
    // Three digits at a time, so that the divisions do not wait for each other.
    let value = UInt32(truncatingIfNeeded: fraction)
    put(value / 1_000_000, at: 20)
    put(value / 1000 % 1000, at: 23)
    put(value % 1000, at: 26)
  }

  @inline(__always)
  private mutating func put(_ value: UInt32, at index: Int) {
    text[index] = UInt8(truncatingIfNeeded: 48 &+ value / 100)
    text[index + 1] = UInt8(truncatingIfNeeded: 48 &+ value / 10 % 10)
    text[index + 2] = UInt8(truncatingIfNeeded: 48 &+ value % 10)
  }
}
