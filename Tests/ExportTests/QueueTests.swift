// SPDX-License-Identifier: Apache-2.0

import OTLP
import Testing

@testable import Export

@Suite("the queue of batches")
struct QueueTests {
  @Test("it takes what fits to the byte, refuses the newest, and gives back in order")
  func bound() {
    let batches = (0..<5).map { _ in batch(3) }
    let bytes = batches[..<4].reduce(0) { $0 + $1.memoryByteCount }
    let queue = BatchQueue(byteLimit: bytes)
    #expect(batches.map(queue.offer) == [true, true, true, true, false])
    #expect(queue.count == 4 && queue.byteCount == bytes)
    for index in 0..<4 {
      #expect(queue.first() === batches[index] && queue.first() === batches[index])
      queue.removeFirst()
    }
    #expect(queue.first() == nil && queue.count == 0 && queue.byteCount == 0)
    #expect(queue.offer(batches[4]))
  }

  @Test("one byte less than a batch needs is too little beside another")
  func exact() {
    let first = batch(3)
    let second = batch(3)
    let both = first.memoryByteCount + second.memoryByteCount
    for (limit, fits) in [(both, true), (both - 1, false)] {
      let queue = BatchQueue(byteLimit: limit)
      #expect(queue.offer(first))
      #expect(queue.offer(second) == fits)
    }
  }

  // The room of what is gone is used again while the rest waits, however long that goes on.
  @Test("one that is never empty gives back each batch once, in order", arguments: [1, 3, 10])
  func neverEmpty(waiting: Int) {
    let batches = (0..<40).map { _ in batch(3) }
    let queue = BatchQueue(byteLimit: 1 << 20)
    for batch in batches[..<waiting] { #expect(queue.offer(batch)) }
    for (place, batch) in batches.enumerated().dropFirst(waiting) {
      #expect(queue.offer(batch) && queue.count == waiting + 1)
      #expect(queue.first() === batches[place - waiting])
      queue.removeFirst()
    }
  }

  @Test("the wait grows by half each time to its limit, and lies within fifty per cent of it")
  func backoff() {
    var random = SystemRandomNumberGenerator()
    let policy = RetryPolicy()
    var expected = 1e9
    for attempt in 2..<60 {
      var waits: [Double] = []
      for _ in 0..<200 { waits.append(Double(policy.backoff(attempt: attempt, using: &random))) }
      let (least, most) = (waits.min() ?? 0, waits.max() ?? .infinity)
      #expect(least >= expected * 0.5 - 1 && most <= expected * 1.5 + 1)
      // Of two hundred draws some lie in the outer tenths: 0.9^200 is 7e-10.
      #expect(least < expected * 0.6 && most > expected * 1.4)
      expected = min(expected * 1.5, 30e9)
    }
    #expect(expected == 30e9)
    #expect(policy.backoff(attempt: 0, using: &random) <= 1_500_000_000)
    #expect(policy.backoff(attempt: .max, using: &random) <= 45_000_000_000)
  }
}
