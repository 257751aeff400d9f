// SPDX-License-Identifier: Apache-2.0
// Copies of one real execution and one real exit, fed to the sink as fast as it takes them: many
// records soon, for counting allocations and for profiles.

internal import CApusABI
internal import Glibc
internal import Kernel
internal import Platform
internal import Probes

struct FeedBench {
  private let options: BenchOptions

  init(_ options: BenchOptions) { self.options = options }

  func run() throws(BenchError) {
    let records = try capture()
    let outlet = Outlet(hold: options.hold)
    var sink = makeSink(outlet)
    let begin = threadNanoseconds()
    var done = 0
    while done < options.count {
      sink.beginTurn()
      let end = min(done + 8192, options.count)
      while done < end {
        records.give(done & 1, to: &sink)
        done += 1
      }
      sink.endTurn(flush: done == options.count)
    }
    let each = Double(threadNanoseconds() - begin) / Double(done)
    if options.json {
      print(
        "{\"mode\":\"feed\",\"records\":\(outlet.records),\"bytes\":\(outlet.bytes),"
          + "\"batches\":\(outlet.batches),\"ns_per_record\":\(tenths(each))}")
    } else {
      print(
        "copies to sealed batches: \(tenths(each)) ns/record,",
        "\(outlet.bytes / done) bytes/record, \(outlet.batches) batches")
    }
  }

  private func capture() throws(BenchError) -> CapturedRecords {
    var source = try makeSource(options, execs: 64)
    var records = CapturedRecords(parent: UInt32(getpid()))
    try source.fill(execs: 1, program: options.program)
    do throws(KernelError) {
      var reader = try source.shared.events.makeReader()
      _ = reader.drain(into: &records, limit: .max)
    } catch {
      throw .kernel(error)
    }
    guard records.count == 2 else { throw .captured(records: records.count) }
    return records
  }
}

/// Keeps the execution and the exit of this process's child.
///
/// Owned by the main thread.
@safe
private final class CapturedRecords: RecordSink {
  private let parent: UInt32
  private var copies: [UnsafeRawBufferPointer] = unsafe []

  var count: Int { unsafe copies.count }

  init(parent: UInt32) { self.parent = parent }

  deinit { unsafe copies.forEach { unsafe $0.deallocate() } }

  func accept(_ bytes: RawSpan) {
    guard let header = try? Record<apus_header>(bytes) else { return }
    switch UInt32(header.kind) {
    case APUS_KIND_EXEC.rawValue:
      guard let record = try? Record<apus_exec>(bytes), record.process.parent_pid == parent else {
        return
      }
    case APUS_KIND_EXIT.rawValue:
      guard let record = try? Record<apus_exit>(bytes), record.process.parent_pid == parent else {
        return
      }
    default: return
    }
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.byteCount, alignment: 8)
    unsafe bytes.withUnsafeBytes { unsafe copy.copyMemory(from: $0) }
    unsafe copies.append(UnsafeRawBufferPointer(copy))
  }

  @inline(__always)
  func give(_ index: Int, to sink: inout EventSink) {
    let copy = unsafe copies[index]
    sink.accept(unsafe RawSpan(_unsafeBytes: copy))
  }
}
