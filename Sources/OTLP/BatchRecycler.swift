// SPDX-License-Identifier: Apache-2.0
// Sealed batches that come back: their memory is filled again, so that sealing allocates nothing
// in steady state. Owned by a builder, so by the thread that seals.

internal import Synchronization

/// Remembers the batches that were given out, and takes back those that nobody else refers to.
///
/// Why that is safe across threads: a batch is handed out by reference and whoever has one can only
/// drop it, so once only this table refers to a batch, nobody can begin to. Dropping a reference
/// decrements the count with release ordering, and the fence below orders all our writes behind the
/// count that was read; so what a consumer read, it read before we write.
struct BatchRecycler: ~Copyable {
  /// After so many batches, those are let go that were not needed at once meanwhile.
  private static let window = 128

  private var batches: [SealedBatch] = []
  private let signal: Signal
  private let limit: Int
  private let pool: ArenaPool
  private var taken = 0
  private var busyMax = 0

  /// Beyond `limit` batches at once, each is allocated and freed.
  init(_ signal: Signal, limit: Int, pool: ArenaPool) {
    self.signal = signal
    self.limit = limit
    self.pool = pool
    batches.reserveCapacity(limit)
  }

  /// An empty batch with room for `headBytes`, for a body of `byteCount`.
  mutating func take(headBytes: Int, byteCount: Int) -> SealedBatch {
    var idle: Int?
    var fitting: Int?
    var busy = 0
    for place in batches.indices {
      guard isKnownUniquelyReferenced(&batches[place]) else {
        busy += 1
        continue
      }
      idle = place
      if batches[place].fits(headBytes: headBytes, byteCount: byteCount) { fitting = place }
    }
    busyMax = max(busyMax, busy)
    if let place = fitting ?? idle {
      atomicMemoryFence(ordering: .acquiring)
      let batch = batches[place]
      batch.empty(keepingMemory: fitting != nil, headBytes: headBytes)
      trim()
      return batch
    }
    let batch = SealedBatch(signal: signal, headBytes: headBytes, pool: pool)
    if batches.count < limit { batches.append(batch) }
    return batch
  }

  /// Lets go of what was idle for a whole window; a burst's memory does not stay for ever.
  private mutating func trim() {
    taken += 1
    guard taken >= BatchRecycler.window else { return }
    // One more than waited at once, for the batch that is being sealed.
    let keep = busyMax + 1
    var place = batches.count - 1
    while batches.count > keep, place >= 0 {
      if isKnownUniquelyReferenced(&batches[place]) { batches.remove(at: place) }
      place -= 1
    }
    taken = 0
    busyMax = 0
  }
}
