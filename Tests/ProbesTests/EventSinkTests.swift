// SPDX-License-Identifier: Apache-2.0
// What becomes of records in the sink: published, counted, or refused and counted.

import CApusABI
import Config
import Export
import Identity
import OTLP
import Testing

@testable import Probes

private final class Published {
  var batches: [SealedBatch] = []

  var records: Int { batches.reduce(0) { $0 + $1.recordCount } }
}

private final class Fixture {
  let ledger: Ledger
  let executions = ExecutionCounts()
  let published = Published()
  var sink: EventSink

  init(
    publishes: Bool = true, sealingBytes: Int = 1 << 20, recordsMax: Int? = nil,
    arenaSize: Int = 1 << 18
  ) {
    let published = self.published
    let ledger = Ledger(kinds: eventKinds, destinations: ["metrics"])
    sink = EventSink(
      privacy: .full, epochSeconds: 1, version: "1",
      pool: ArenaPool(arenaSize: arenaSize, idleMax: 2),
      sealing: EventSink.Sealing(
        byteCount: sealingBytes, ageNanoseconds: 1 << 62, recordsMax: recordsMax),
      resources: ResourceBuilder(configured: []), ledger: ledger, executions: executions,
      publish: publishes ? { published.batches.append($0) } : nil)
    self.ledger = ledger
    sink.beginTurn()
  }

  func accept(_ bytes: [UInt8]) { sink.accept(bytes.span.bytes) }

  func count(_ kind: String, _ loss: Loss) -> UInt64 {
    ledger.rows().first { $0.kind == kind }?.dropped.first { $0.loss == loss }?.count ?? 0
  }

  func delivered(_ kind: String) -> UInt64 {
    ledger.rows().first { $0.kind == kind && $0.destination == "metrics" }?.delivered ?? 0
  }
}

private func header(kind: UInt16) -> [UInt8] {
  var header = apus_header()
  header.kind = kind
  return rawBytes(of: header)
}

@Suite("the event sink")
struct EventSinkTests {
  @Test("records of unknown kinds are counted, each, and nothing is published")
  func unknown() {
    let fixture = Fixture()
    for kind in [0, 3, 6, 7, 999, 65_535] as [UInt16] { fixture.accept(header(kind: kind)) }
    fixture.sink.endTurn(flush: true)
    #expect(fixture.count("unknown", .unknownKind) == 6)
    #expect(fixture.published.batches.isEmpty)
  }

  @Test("a batch has no more records than it may, and goes as soon as it has them")
  func recordsMax() {
    let fixture = Fixture(recordsMax: 7)
    for _ in 0..<20 { fixture.accept(ExecShape().bytes) }
    fixture.sink.endTurn()
    #expect(fixture.published.batches.map(\.recordCount) == [7, 7])
    fixture.accept(ExecShape().bytes)
    fixture.sink.endTurn()
    #expect(fixture.published.batches.map(\.recordCount) == [7, 7, 7])
    #expect(fixture.count("apus.process.exec", .tooLarge) == 0)
  }

  @Test("a record cut at any length is counted, under its kind as soon as that is there")
  func truncated() {
    let fixture = Fixture()
    let exec = ExecShape().bytes
    for length in exec.indices { fixture.accept(Array(exec[..<length])) }
    let exit = rawBytes(of: exitRecord())
    for length in exit.indices { fixture.accept(Array(exit[..<length])) }
    let connect = rawBytes(of: apus_connect.known())
    for length in connect.indices { fixture.accept(Array(connect[..<length])) }
    let retransmit = rawBytes(of: apus_retransmit.known())
    for length in retransmit.indices { fixture.accept(Array(retransmit[..<length])) }
    fixture.sink.endTurn(flush: true)
    #expect(fixture.count("unknown", .truncated) == 96)
    #expect(fixture.count("apus.tcp.connect", .truncated) == UInt64(connect.count - 24))
    #expect(fixture.count("apus.tcp.retransmit", .truncated) == UInt64(retransmit.count - 24))
    #expect(fixture.count("apus.process.exec", .truncated) == UInt64(exec.count - 24))
    #expect(fixture.count("apus.process.exit", .truncated) == UInt64(exit.count - 24))
    #expect(fixture.published.batches.isEmpty)
    #expect(fixture.executions.snapshot().isEmpty)
  }

  @Test("batches that fill are sealed in order, and none of ten thousand records is lost")
  func full() throws {
    // An arena of 64 KiB holds about a hundred records.
    let fixture = Fixture(arenaSize: 1 << 16)
    var shape = ExecShape()
    for number in 0..<10_000 as Range<UInt64> {
      shape.sequence = number
      shape.process.cgroup_key = number % 7 + 1
      fixture.accept(shape.bytes)
    }
    fixture.sink.endTurn(flush: true)
    #expect(fixture.published.records == 10_000)
    #expect(fixture.published.batches.count > 50)
    #expect(fixture.published.batches.reduce(0) { $0 + UInt64($1.kinds[1]) } == 10_000)
    var sequences: Set<String> = []
    for batch in fixture.published.batches {
      for record in try logRecords(of: batch) {
        guard case .text(let uid)? = record.attributes["log.record.uid"] else { continue }
        sequences.insert(uid)
      }
    }
    #expect(sequences.count == 10_000)
    #expect(fixture.executions.snapshot().values.reduce(0, +) == 10_000)
    #expect(fixture.executions.snapshot().count == 7)
    #expect(fixture.count("apus.process.exec", .tooLarge) == 0)
  }

  @Test("a turn's end seals what is large enough, and keeps what is not")
  func sealing() {
    let fixture = Fixture(sealingBytes: 2000)
    fixture.accept(ExecShape().bytes)
    fixture.sink.endTurn()
    #expect(fixture.published.batches.isEmpty)
    for _ in 0..<4 { fixture.accept(ExecShape().bytes) }
    fixture.sink.endTurn()
    #expect(fixture.published.records == 5)
    fixture.sink.endTurn(flush: true)
    #expect(fixture.published.batches.count == 1)
  }

  @Test("the longest record fits an empty batch of the size that the agent takes")
  func longest() {
    let fixture = Fixture(arenaSize: EventSink.recordBytesMax)
    var shape = ExecShape()
    shape.path = String(repeating: "p", count: Int(APUS_PATH_MAX))
    shape.name = String(repeating: "n", count: Int(APUS_NAME_MAX))
    // The smallest arguments grow most.
    shape.arguments = (0..<4096).flatMap { _ in [0xff, 0] as [UInt8] }
    for _ in 0..<3 { fixture.accept(shape.bytes) }
    fixture.sink.endTurn(flush: true)
    #expect(fixture.published.records == 3)
    #expect(fixture.count("apus.process.exec", .tooLarge) == 0)
  }

  @Test("a record that no batch can hold is counted as too large, and the next one is taken")
  func tooLarge() {
    let fixture = Fixture(arenaSize: 4096)
    var shape = ExecShape()
    shape.arguments = [UInt8](repeating: 0x61, count: 8192)
    fixture.accept(shape.bytes)
    fixture.accept(ExecShape().bytes)
    fixture.accept(shape.bytes)
    fixture.sink.endTurn(flush: true)
    #expect(fixture.count("apus.process.exec", .tooLarge) == 2)
    #expect(fixture.published.records == 1)
  }

  @Test("without a destination for logs, records end in the metrics and count as delivered there")
  func metricsOnly() {
    let fixture = Fixture(publishes: false)
    for _ in 0..<23 { fixture.accept(ExecShape().bytes) }
    for _ in 0..<17 { fixture.accept(rawBytes(of: exitRecord())) }
    for _ in 0..<5 { fixture.accept(rawBytes(of: apus_connect.known())) }
    for _ in 0..<3 { fixture.accept(rawBytes(of: apus_retransmit.known())) }
    #expect(fixture.delivered("apus.process.exec") == 0)
    fixture.sink.endTurn()
    fixture.sink.endTurn()
    #expect(fixture.delivered("apus.process.exec") == 23)
    #expect(fixture.delivered("apus.process.exit") == 17)
    #expect(fixture.delivered("apus.tcp.connect") == 5)
    #expect(fixture.delivered("apus.tcp.retransmit") == 3)
    #expect(fixture.executions.snapshot().values.reduce(0, +) == 23)
    #expect(fixture.published.batches.isEmpty)
  }

  @Test("executions are counted by cgroup and outcome, and beyond the limit under one key")
  func executions() {
    let fixture = Fixture(publishes: false)
    var shape = ExecShape()
    for number in 0..<UInt64(ExecutionCounts.limit + 5) {
      shape.process.cgroup_key = number
      fixture.accept(shape.bytes)
      fixture.accept(shape.bytes)
    }
    shape.process.cgroup_key = 3
    shape.error = 2
    fixture.accept(shape.bytes)
    fixture.sink.endTurn()
    let counts = fixture.executions.snapshot()
    #expect(counts[ExecutionKey(cgroup: 3, error: 0)] == 2)
    #expect(counts[ExecutionCounts.overflowKey] == 11)
    #expect(counts.count == ExecutionCounts.limit + 1)
  }

  private func logRecords(of batch: SealedBatch) throws -> [DecodedRecord] {
    let body = (0..<batch.sliceCount).flatMap { index in batch.withSlice(index) { Array($0) } }
    var records: [DecodedRecord] = []
    for resource in try wireFields(body) {
      for scope in try wireFields(resource.bytes) where scope.number == 2 {
        for record in try wireFields(scope.bytes) where record.number == 2 {
          records.append(try DecodedRecord(record.bytes))
        }
      }
    }
    return records
  }
}
