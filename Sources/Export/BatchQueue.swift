// SPDX-License-Identifier: Apache-2.0
// Between the threads that make batches and the one that sends them: bounded in bytes.

public import OTLP
internal import Synchronization

/// First in, first out.
///
/// Any thread may offer; the export thread takes.
public final class BatchQueue: Sendable {
  private struct State {
    /// Those before `head` are gone already; the room of what is gone is used again.
    var batches: [SealedBatch?] = []
    var head = 0
    var byteCount = 0
    var logRecords = 0

    var count: Int { batches.count - head }

    mutating func append(_ batch: SealedBatch) {
      if batches.count == batches.capacity, head > batches.count / 2 {
        batches.removeFirst(head)
        head = 0
      }
      batches.append(batch)
    }

    mutating func removeFirst() {
      guard let batch = batches[head] else { preconditionFailure("nothing waits") }
      byteCount -= batch.memoryByteCount
      logRecords -= batch.logRecords
      batches[head] = nil
      head += 1
      guard head == batches.count else { return }
      batches.removeAll(keepingCapacity: true)
      head = 0
    }
  }

  public let byteLimit: Int
  private let logRecordLimit: Int
  private let state = Mutex(State())

  /// `byteLimit` bounds the memory that waiting batches keep, `logRecordLimit` their log records;
  /// one batch that is larger alone is taken.
  public init(byteLimit: Int, logRecordLimit: Int = .max) {
    self.byteLimit = byteLimit
    self.logRecordLimit = logRecordLimit
  }

  /// Takes a batch in, or refuses it when it does not fit; the caller counts a refused one.
  ///
  /// The newest is refused, not the oldest dropped: what waits may be in flight already.
  public func offer(_ batch: SealedBatch) -> Bool {
    state.withLock { state in
      let total = state.byteCount + batch.memoryByteCount
      // Else a batch that keeps more than the bound would be refused each time, for ever.
      let logRecords = state.logRecords + batch.logRecords
      let isRoom = total <= byteLimit && logRecords <= logRecordLimit
      guard isRoom || state.batches.isEmpty else { return false }
      state.byteCount += batch.memoryByteCount
      state.logRecords = logRecords
      state.append(batch)
      return true
    }
  }

  /// The oldest batch; it stays in the queue, and in its bound, until `removeFirst`.
  public func first() -> SealedBatch? {
    state.withLock { state in state.count > 0 ? state.batches[state.head] : nil }
  }

  public func removeFirst() {
    state.withLock { $0.removeFirst() }
  }

  public var byteCount: Int { state.withLock { $0.byteCount } }
  public var count: Int { state.withLock { $0.count } }
}

extension SealedBatch {
  fileprivate var logRecords: Int { signal == .logs ? recordCount : 0 }
}
