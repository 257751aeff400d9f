// SPDX-License-Identifier: Apache-2.0

import OTLP
import Testing

@Suite("log batches")
struct LogBatchBuilderTests {
  let resource = EncodedResource(message: [0x0a, 0x02, 0x0a, 0x00])
  let scope = Scope(name: "s", version: "1")

  @Test("one small record is the golden request")
  func golden() throws {
    let pool = ArenaPool(arenaSize: 4096, idleMax: 1)
    var builder = LogBatchBuilder(pool: pool, scopes: [scope])
    let begun = builder.beginRecord(workload: 7, kind: 3)
    #expect(begun)
    builder.writer.varint(9, field: 2)
    let outcome = builder.endRecord()
    #expect(outcome == .appended)
    let sealed = builder.seal { _ in resource }
    let batch = try #require(sealed)
    #expect(
      bytes(of: batch) == [
        0x0a, 22, 0x0a, 4, 0x0a, 2, 0x0a, 0,
        0x12, 14, 0x0a, 6, 0x0a, 1, 0x73, 0x12, 1, 0x31,
        0x12, 0x82, 0x80, 0x00, 0x10, 0x09,
      ])
    #expect(batch.recordCount == 1)
    #expect(batch.kinds[3] == 1)
  }

  private func append(
    _ builder: inout LogBatchBuilder, workload: UInt32, size: Int = 10, mark: UInt8 = 0
  ) -> RecordOutcome {
    guard builder.beginRecord(workload: workload, kind: 1) else { return .batchFull }
    builder.writer.bytes([UInt8](repeating: mark, count: size), field: 5)
    return builder.endRecord()
  }

  @Test("a full arena says so, and takes records again once sealed")
  func fullArena() throws {
    var builder = LogBatchBuilder(pool: ArenaPool(arenaSize: 4096, idleMax: 1), scopes: [scope])
    var count = 0
    while append(&builder, workload: UInt32(count % 2), size: 100) == .appended { count += 1 }
    // 4096 bytes less the slack, 106 for each record.
    #expect(count == 38)
    let sealed = builder.seal { _ in resource }
    #expect(sealed?.recordCount == 38)
    let isEmpty = builder.isEmpty
    #expect(isEmpty)
    let outcome = append(&builder, workload: 0, size: 100)
    #expect(outcome == .appended)
  }

  @Test("a record larger than an empty batch is told apart from a full batch")
  func tooLarge() {
    var builder = LogBatchBuilder(pool: ArenaPool(arenaSize: 4096, idleMax: 1), scopes: [scope])
    let alone = append(&builder, workload: 0, size: 5000)
    #expect(alone == .tooLarge)
    _ = append(&builder, workload: 0)
    let second = append(&builder, workload: 0, size: 5000)
    #expect(second == .batchFull)
    let kept = builder.recordCount
    #expect(kept == 1)
  }

  @Test("records and workloads have a bound")
  func bounds() {
    let pool = ArenaPool(arenaSize: 65536, idleMax: 1)
    var builder = LogBatchBuilder(pool: pool, scopes: [scope], recordsMax: 5, workloadsMax: 3)
    for workload in 0..<3 {
      let outcome = append(&builder, workload: UInt32(workload))
      #expect(outcome == .appended)
    }
    let fourthWorkload = append(&builder, workload: 3)
    #expect(fourthWorkload == .batchFull)
    for expected in [RecordOutcome.appended, .appended, .batchFull] {
      let outcome = append(&builder, workload: 0)
      #expect(outcome == expected)
    }
  }

  @Test("an abandoned record leaves nothing")
  func abandoned() {
    var builder = LogBatchBuilder(pool: ArenaPool(arenaSize: 4096, idleMax: 1), scopes: [scope])
    _ = builder.beginRecord(workload: 0, kind: 1)
    builder.writer.byte(1)
    builder.abandonRecord()
    let sealed = builder.seal { _ in resource }
    #expect(sealed == nil)
    let byteCount = builder.byteCount
    #expect(byteCount == 0)
  }

  @Test("a held workload's records open the next batch, once", arguments: [4096, 1 << 16])
  func held(arenaSize: Int) throws {
    let pool = ArenaPool(arenaSize: arenaSize, idleMax: 1)
    var builder = LogBatchBuilder(pool: pool, scopes: [scope])
    for number in 0..<30 {
      _ = append(&builder, workload: UInt32(number % 3), size: 60, mark: UInt8(number))
    }
    let none = builder.seal { _ in nil }
    #expect(none == nil)
    let all = builder.recordCount
    #expect(all == 30)
    let first = builder.seal { $0 == 1 ? nil : resource }
    #expect(first?.recordCount == 20)
    let rest = builder.recordCount
    #expect(rest == 10)
    _ = append(&builder, workload: 1, size: 60, mark: 99)
    let second = builder.seal { _ in resource }
    let batch = try #require(second)
    #expect(batch.recordCount == 11)
    let last = builder.seal { _ in resource }
    #expect(last == nil)
    // The payloads of workload 1 are its own, whole and in order.
    let marks = (0..<30).filter { $0 % 3 == 1 } + [99]
    let payload = marks.flatMap { [UInt8](repeating: UInt8($0), count: 60) }
    let body = bytes(of: batch)
    #expect(
      body.suffix(66 * 11).enumerated().filter { $0.offset % 66 >= 6 }.map(\.element) == payload)
  }

  @Test("a held workload's records of every scope open the next batch") func heldScopes() throws {
    let pool = ArenaPool(arenaSize: 4096, idleMax: 1)
    var builder = LogBatchBuilder(pool: pool, scopes: [scope, Scope(name: "t", version: "1")])
    for number in 0..<6 {
      let begun = builder.beginRecord(workload: 1, kind: 1, scope: UInt8(number % 2))
      #expect(begun)
      builder.writer.string("\(number)", field: 12)
      let outcome = builder.endRecord()
      #expect(outcome == .appended)
    }
    let none = builder.seal { _ in nil }
    #expect(none == nil)
    let kept = builder.recordCount
    #expect(kept == 6)
    let batch = builder.seal { _ in resource }
    #expect(batch?.recordCount == 6)
  }

  @Test("a cursor reads the body in pieces of every size, and again after a seek")
  func cursor() throws {
    let batch = try #require(knownLogs(arenaSize: 1 << 20))
    #expect(batch.sliceCount > 100)
    let body = bytes(of: batch)
    var cursor = SealedBatch.Cursor(batch)
    for size in [1 << 14, 7, 4093] {
      cursor.seek(to: 0)
      var read: [UInt8] = []
      var piece = [UInt8](repeating: 0, count: size)
      while true {
        let count = piece.withUnsafeMutableBytes { cursor.read(into: $0) }
        if count == 0 { break }
        read += piece[..<count]
      }
      #expect(read == body)
    }
    var piece = [UInt8](repeating: 0, count: 1000)
    let count = piece.withUnsafeMutableBytes { batch.copy(from: 5000, into: $0) }
    #expect(count == 1000 && piece == Array(body[5000..<6000]))
    let end = piece.withUnsafeMutableBytes { batch.copy(from: body.count, into: $0) }
    #expect(end == 0)
  }

  @Test("chunks tile the body, and each starts a ResourceLogs")
  func chunks() throws {
    let batch = try #require(knownLogs(arenaSize: 1 << 20))
    let body = bytes(of: batch)
    var offset = 0
    for chunk in batch.chunks {
      #expect(chunk.offset == offset && body[offset] == 0x0a)
      offset += chunk.byteCount
    }
    #expect(offset == batch.byteCount)
    #expect(batch.chunks.map(\.recordCount) == [300, 300, 300])
    #expect(batch.chunks.map(\.workload) == [0, 1, 2])
  }
}
