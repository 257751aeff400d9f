// SPDX-License-Identifier: Apache-2.0
// What all events have in common on their way from a record to OTLP bytes: times, identity of the
// record, and whose it is. How each kind goes on is in the files beside this one.

internal import CApusABI
package import Config
internal import Kernel
internal import OTLP
internal import Platform

/// Writes LogRecord messages.
///
/// Owned by the thread that reads the ring; nothing is allocated per record.
@safe
package struct EventEncoder: ~Copyable {
  let keys = EventKeys()
  let network = NetworkKeys()
  let templates = EventTemplates()
  let privacy: ArgumentPrivacy
  /// Of text that programs choose; our own words are short.
  private let charactersMax: Int
  var redactor = ArgumentRedactor(argumentMax: Int(APUS_ARGS_MAX))
  private var uid: RecordUID
  private var creation = CreationTime()
  private var owners = OwnerBlocks()
  var address = AddressText()
  let path: UnsafeMutableRawBufferPointer

  /// What to add to a boot time, and the Unix time of the turn; the owner sets both per turn.
  package var unixOffset: UInt64 = 0
  package var observedNanoseconds: UInt64 = 0

  package init(
    privacy: ArgumentPrivacy, charactersMax: Int = .max, bootID: String, epochSeconds: UInt64
  ) {
    self.privacy = privacy
    self.charactersMax = charactersMax
    uid = RecordUID(bootID: bootID, epochSeconds: epochSeconds)
    unsafe path = .allocate(byteCount: Int(APUS_PATH_MAX) + 16, alignment: 16)
  }

  deinit { unsafe path.deallocate() }

  /// Times, severity, name and identity of the record itself.
  mutating func begin(
    _ header: apus_header, _ template: Template, _ writer: inout WireWriter
  ) {
    let time = header.time_ns &+ unixOffset
    writer.fixed64(time, field: 1)
    // A turn also reads records of things that happened after it began.
    writer.fixed64(max(observedNanoseconds, time), field: 11)
    writer.raw(template)
    uid.with(kind: header.kind, cpu: header.cpu, sequence: header.sequence) { text in
      writer.attribute(keys.uid, lossy: text)
    }
  }

  mutating func identify(_ process: apus_process, _ writer: inout WireWriter) {
    writer.attribute(keys.pid, int: Int64(process.pid))
    writer.attribute(keys.parentPID, int: Int64(process.parent_pid))
    writer.attribute(keys.namespacePID, int: Int64(process.namespace_pid))
    creation.set(process.start_ns &+ unixOffset)
    unsafe writer.attribute(keys.creationTime, lossy: creation.text.span.bytes)
    owners.put(process, keys, &writer)
    unsafe withUnsafeBytes(of: process.comm) { comm in
      let length = unsafe comm.firstIndex(of: 0) ?? comm.count
      unsafe writer.attribute(
        keys.comm, lossy: cut(UnsafeRawBufferPointer(rebasing: comm[..<length])))
    }
  }

  /// As much of a program's text as may be told; no byte is read where all of it may.
  @inline(__always)
  func cut(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    guard text.count > charactersMax else { return unsafe text }
    return unsafe UTF8Text.prefix(of: text, characters: charactersMax)
  }

  /// The name of an errno, unless it is 0.
  func put(error: UInt32, _ writer: inout WireWriter) {
    guard error != 0 else { return }
    let code = Int(error)
    writer.attribute(
      keys.errorType, string: templates.errors[code < templates.errors.count ? code : 0])
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
