// SPDX-License-Identifier: Apache-2.0
// Limits that the configuration may set beside those in bytes.

import Config
import OTLP
import Testing

@testable import Export
@testable import Transport

@Suite("limits on records and on the time of a batch")
struct RecordLimitTests {
  @Test("a queue of so many log records refuses more, and counts what goes")
  func queue() throws {
    let queue = BatchQueue(try settings(environment: ["OTEL_BLRP_MAX_QUEUE_SIZE": "7"]))
    #expect([3, 4, 1].map { queue.offer(batch($0)) } == [true, true, false])
    queue.removeFirst()
    #expect([3, 1].map { queue.offer(batch($0)) } == [true, false])
    let free = BatchQueue(try settings())
    #expect((0..<100).allSatisfy { _ in free.offer(batch(3)) })
  }

  @Test("a batch of more records than the queue may have is taken when it is alone")
  func large() throws {
    let queue = BatchQueue(try settings(environment: ["OTEL_BLRP_MAX_QUEUE_SIZE": "2"]))
    #expect(queue.offer(batch(3)) && !queue.offer(batch(1)))
  }

  @Test("a batch is sent again for as long as was said of its signal")
  func time() throws {
    let limits = try settings(environment: [
      "OTEL_BLRP_EXPORT_TIMEOUT": "2500", "OTEL_METRIC_EXPORT_TIMEOUT": "0",
    ]).limits
    #expect(RetryPolicy(limits, .logs).elapsedNanoseconds == 2_500_000_000)
    #expect(RetryPolicy(limits, .metrics).elapsedNanoseconds > 1 << 60)
    let unset = RetryPolicy(try settings().limits, .logs)
    #expect(unset.elapsedNanoseconds == RetryPolicy().elapsedNanoseconds)
  }
}
