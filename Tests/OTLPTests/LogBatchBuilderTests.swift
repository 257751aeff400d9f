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
}
