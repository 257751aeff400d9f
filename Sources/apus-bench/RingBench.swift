// SPDX-License-Identifier: Apache-2.0
// From the ring to sealed batches, and beside it a C loop that only counts the records of an equal
// fill: interleaved in one run, so that their ratio means more than either figure.

internal import CBench
internal import Glibc
internal import Kernel
internal import Platform
internal import Probes

struct RingBench {
  /// One fill and its reading.
  private struct Reading {
    var records: UInt64
    var nanoseconds: UInt64

    var each: Double { Double(nanoseconds) / Double(max(records, 1)) }
  }

  /// Records per turn, as the agent's ring thread takes them.
  private static let turn = 8192

  private let options: BenchOptions

  init(_ options: BenchOptions) { self.options = options }

  func run() throws(BenchError) {
    var source = try makeSource(options, execs: options.count)
    let outlet = Outlet(hold: options.hold)
    var sink = makeSink(outlet)
    var counted = cbench_count()
    guard let ring = unsafe cbench_open(source.shared.events.descriptor, &counted) else {
      throw .system(.current("ring_buffer__new"))
    }
    defer { unsafe cbench_close(ring) }
    var ours: [Reading] = []
    var bare: [Reading] = []
    for _ in 0..<options.fills {
      try source.fill(execs: options.count, program: options.program)
      ours.append(try drain(source, into: &sink))
      try source.fill(execs: options.count, program: options.program)
      let before = counted.records
      let begin = threadNanoseconds()
      let code = unsafe cbench_consume(ring)
      let taken = threadNanoseconds() - begin
      guard code >= 0 else { throw .system(SystemError("ring_buffer__consume", code: -code)) }
      bare.append(Reading(records: counted.records - before, nanoseconds: taken))
    }
    report(ours, bare, outlet)
  }

  private func drain(
    _ source: borrowing ProcessSource, into sink: inout EventSink
  ) throws(BenchError) -> Reading {
    var reader: EventReader
    do throws(KernelError) {
      reader = try source.shared.events.makeReader()
    } catch {
      throw .kernel(error)
    }
    var reading = Reading(records: 0, nanoseconds: 0)
    let begin = threadNanoseconds()
    var count = 0
    repeat {
      sink.beginTurn()
      count = reader.drain(into: &sink, limit: RingBench.turn)
      sink.endTurn(flush: count < RingBench.turn)
      reading.records += UInt64(count)
    } while count == RingBench.turn
    reading.nanoseconds = threadNanoseconds() - begin
    return reading
  }

  private func report(_ ours: [Reading], _ bare: [Reading], _ outlet: Outlet) {
    let records = ours.reduce(0) { $0 + $1.records }
    let each = median(ours.map(\.each))
    let bareEach = median(bare.map(\.each))
    let all = ours.map { tenths($0.each) }
    let allBare = bare.map { tenths($0.each) }
    if options.json {
      print(
        "{\"mode\":\"ring\",\"execs\":\(options.count),\"records\":\(records),"
          + "\"bytes\":\(outlet.bytes),\"batches\":\(outlet.batches),"
          + "\"ns_per_record\":\(tenths(each)),\"c_ns_per_record\":\(tenths(bareEach)),"
          + "\"ratio\":\(tenths(each / bareEach)),"
          + "\"all\":[\(all.joined(separator: ","))],\"c_all\":[\(allBare.joined(separator: ","))]}"
      )
      return
    }
    print(
      "ring to sealed batches: \(tenths(each)) ns/record,",
      "\(outlet.bytes / max(Int(records), 1)) bytes/record,",
      "\(records) records, \(outlet.batches) batches (fills: \(all.joined(separator: " ")))")
    print(
      "bare libbpf loop in C: \(tenths(bareEach)) ns/record",
      "(fills: \(allBare.joined(separator: " "))), ratio \(tenths(each / bareEach))")
  }
}
