// SPDX-License-Identifier: Apache-2.0

import OTLP
import Testing

@testable import Export

@Suite("the queue of batches")
struct BatchQueueTests {
  private func batch() throws -> SealedBatch {
    var builder = LogBatchBuilder(
      pool: ArenaPool(arenaSize: 4096, idleMax: 1), scopes: [Scope(name: "s", version: "1")])
    _ = builder.beginRecord(workload: 0, kind: 1)
    _ = builder.endRecord()
    let sealed = builder.seal { _ in EncodedResource(message: []) }
    return try #require(sealed)
  }

  // With export.queue as small as export.batch_bytes each batch that kept its arena was refused.
  @Test("a batch larger than the bound is taken when it is alone, and no second one")
  func largerThanTheBound() throws {
    let queue = BatchQueue(byteLimit: 1)
    #expect(queue.offer(try batch()))
    #expect(!queue.offer(try batch()))
    queue.removeFirst()
    #expect(queue.byteCount == 0)
    #expect(queue.offer(try batch()))
  }
}
