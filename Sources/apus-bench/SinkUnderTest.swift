// SPDX-License-Identifier: Apache-2.0
// The agent's own event sink, with an end that counts batches and drops them.

internal import Config
internal import Export
internal import Identity
internal import OTLP
internal import Platform
internal import Probes

/// What came out.
///
/// Owned by the main thread.
final class Outlet {
  private(set) var batches = 0
  private(set) var records = 0
  private(set) var bytes = 0
  private let hold: Int
  private let queue = BatchQueue(byteLimit: 1 << 30)

  /// `hold` batches wait in a queue before all of them are dropped, as behind a slow collector.
  init(hold: Int) { self.hold = hold }

  func take(_ batch: SealedBatch) {
    batches += 1
    records += batch.recordCount
    bytes += batch.byteCount
    guard hold > 0, queue.offer(batch), queue.count >= hold else { return }
    while queue.first() != nil { queue.removeFirst() }
  }
}

/// A sink with the agent's default sizes, so that what is measured is what runs.
func makeSink(_ outlet: Outlet) -> EventSink {
  let batchBytes = 512 << 10
  let pool = ArenaPool(arenaSize: batchBytes + EventSink.recordBytesMax, idleMax: 2)
  return EventSink(
    privacy: .redacted, epochSeconds: Clock.shared.unixNanoseconds() / 1_000_000_000,
    version: "bench", pool: pool,
    sealing: EventSink.Sealing(byteCount: batchBytes, ageNanoseconds: 1_000_000_000),
    resources: ResourceBuilder(configured: []),
    ledger: Ledger(kinds: eventKinds, destinations: ["bench"]), executions: ExecutionCounts(),
    publish: { outlet.take($0) })
}
