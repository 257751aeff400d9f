// SPDX-License-Identifier: Apache-2.0

import OTLP
import Testing

@Suite("recycled batches")
struct BatchRecyclerTests {
  let resource = EncodedResource(message: [0x0a, 0x02, 0x0a, 0x00])
  let scope = Scope(name: "s", version: "1")

  private func makeBuilder(arenaSize: Int = 1 << 16) -> LogBatchBuilder {
    LogBatchBuilder(pool: ArenaPool(arenaSize: arenaSize, idleMax: 2), scopes: [scope])
  }

  /// Seals `count` records of `size` bytes each, filled with `mark`.
  private func seal(
    _ builder: inout LogBatchBuilder, _ count: Int, mark: UInt8, size: Int = 100,
    workloads: Int = 1
  ) -> SealedBatch? {
    for number in 0..<count {
      guard builder.beginRecord(workload: UInt32(number % workloads), kind: 1) else { return nil }
      builder.writer.bytes([UInt8](repeating: mark, count: size), field: 5)
      guard builder.endRecord() == .appended else { return nil }
    }
    return builder.seal { _ in resource }
  }

  @Test("a dropped batch is filled again, a kept one never", arguments: [3, 300])
  func reuse(records: Int) throws {
    var builder = makeBuilder()
    let kept = try #require(seal(&builder, records, mark: 1))
    let before = bytes(of: kept)
    var addresses: Set<ObjectIdentifier> = []
    for mark in 2..<50 {
      let batch = try #require(seal(&builder, records, mark: UInt8(mark)))
      #expect(batch !== kept)
      addresses.insert(ObjectIdentifier(batch))
      #expect(bytes(of: batch).suffix(100).allSatisfy { $0 == UInt8(mark) })
      #expect(batch.recordCount == records && batch.chunks.count == 1)
      #expect(batch.kinds[1] == UInt32(records))
    }
    #expect(addresses.count == 1)
    #expect(bytes(of: kept) == before)
  }

  @Test("what a burst took is given back after a while") func burst() throws {
    final class Weak {
      weak var batch: SealedBatch?
      init(_ batch: SealedBatch) { self.batch = batch }
    }
    var builder = makeBuilder()
    var burst: [SealedBatch] = []
    for _ in 0..<8 { burst.append(try #require(seal(&builder, 3, mark: 1))) }
    let seen = burst.map(Weak.init)
    burst = []
    #expect(seen.allSatisfy { $0.batch != nil })
    for _ in 0..<300 { _ = try #require(seal(&builder, 3, mark: 2)) }
    // One that waits, and one that is being sealed.
    #expect(seen.count { $0.batch != nil } <= 2)
  }

  @Test("more batches than are recycled are each their own")
  func beyondLimit() throws {
    var builder = makeBuilder()
    var batches: [SealedBatch] = []
    for mark in 0..<30 {
      batches.append(try #require(seal(&builder, 300, mark: UInt8(mark))))
    }
    #expect(Set(batches.map(ObjectIdentifier.init)).count == 30)
    for (mark, batch) in batches.enumerated() {
      #expect(bytes(of: batch).suffix(100).allSatisfy { $0 == UInt8(mark) })
    }
  }

  @Test("what a small batch keeps is in proportion, whatever was there before")
  func honesty() throws {
    var builder = makeBuilder()
    for round in 0..<20 {
      let large = try #require(
        seal(&builder, 300, mark: 1, size: 150, workloads: 1 + round * 13)?.memoryByteCount)
      #expect(large >= 1 << 16)
      let medium = try #require(seal(&builder, 90, mark: 2, workloads: 1 + round * 4))
      #expect(medium.memoryByteCount <= 4 * medium.byteCount + 4096)
      let small = try #require(seal(&builder, 1, mark: 3, size: 5))
      #expect(small.memoryByteCount <= 4 * small.byteCount + 4096)
      #expect(small.memoryByteCount >= small.byteCount)
    }
  }

  @Test("a batch read by another thread does not change until it is dropped there")
  func threads() async throws {
    var builder = makeBuilder()
    for round in 0..<200 {
      let mark = UInt8(truncatingIfNeeded: round)
      let reading = try read(#require(seal(&builder, 40 + round, mark: mark)), 40 + round, mark)
      // Sealed while the other thread reads; both sizes, in arenas and copied.
      for count in [300, 3] { _ = seal(&builder, count, mark: ~mark) }
      let isWhole = await reading.value
      #expect(isWhole)
    }
  }

  /// The task has the only reference.
  private func read(_ batch: SealedBatch, _ count: Int, _ mark: UInt8) -> Task<Bool, Never> {
    Task.detached {
      let body = bytes(of: batch)
      return body.count(where: { $0 == mark }) >= count * 100 && batch.recordCount == count
    }
  }
}
