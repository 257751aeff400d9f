// SPDX-License-Identifier: Apache-2.0
// A finished batch: immutable bytes that any thread may read, several at once.

public enum Signal: UInt8, Sendable {
  case logs, metrics, traces
}

/// How many records of each kind a batch holds; the kinds are the caller's.
public typealias KindCounts = InlineArray<32, UInt32>

/// The body of one export request, chunk by chunk: each chunk is one complete ResourceLogs,
/// ResourceMetrics or ResourceSpans field, so a subset of chunks is a request too.
// Sendable: nothing changes after init, and the memory is freed by the last reference.
@safe
public final class SealedBatch: @unchecked Sendable {
  /// One complete field of the request.
  public struct Chunk: Sendable, Equatable {
    public let offset: Int
    public let byteCount: Int
    /// Log records, data points or spans.
    public let recordCount: Int
    public let workload: UInt32
  }

  /// Bytes in the heads (the first `heads.count` addresses) or in the arena (those above).
  struct Slice {
    var offset: UInt32
    var count: UInt32
  }

  public let signal: Signal
  public let byteCount: Int
  public let recordCount: Int
  public let kinds: KindCounts
  public let chunks: [Chunk]
  let slices: [Slice]
  private let heads: UnsafeMutableRawBufferPointer
  private let arena: Arena?
  private let pool: ArenaPool?

  /// Takes over `heads` and, when records stay where they were encoded, `arena`.
  init(
    signal: Signal, index: SealedIndex, heads: UnsafeMutableRawBufferPointer, arena: Arena?,
    pool: ArenaPool?
  ) {
    self.signal = signal
    byteCount = index.byteCount
    recordCount = index.recordCount
    kinds = index.kinds
    chunks = index.chunks
    slices = index.slices
    unsafe self.heads = heads
    self.arena = arena
    self.pool = pool
  }

  deinit {
    unsafe heads.deallocate()
    if let arena, let pool { pool.give(arena) }
  }

  /// What the batch keeps allocated, for bounds in bytes: an arena counts whole.
  public var memoryByteCount: Int {
    unsafe heads.count + (arena?.memory.count ?? 0) + slices.count * MemoryLayout<Slice>.stride
      + chunks.count * MemoryLayout<Chunk>.stride
  }

  public var sliceCount: Int { slices.count }

  /// The slices, in order, are the request's body.
  public func withSlice<Result>(
    _ index: Int, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    unsafe body(slice(index))
  }

  func slice(_ index: Int) -> UnsafeRawBufferPointer {
    let slice = slices[index]
    let offset = Int(slice.offset)
    let count = Int(slice.count)
    let split = unsafe heads.count
    if offset < split {
      return unsafe UnsafeRawBufferPointer(rebasing: heads[offset..<offset + count])
    }
    guard let arena else { preconditionFailure("a slice of an arena that was given back") }
    let start = offset - split
    return unsafe UnsafeRawBufferPointer(rebasing: arena.memory[start..<start + count])
  }

  /// Copies from `offset` of the body; fewer bytes than asked for only at its end.
  public func copy(from offset: Int, into target: UnsafeMutableRawBufferPointer) -> Int {
    var cursor = Cursor(self)
    cursor.seek(to: offset)
    return unsafe cursor.read(into: target)
  }

  /// Reads the body in order, as a client's read callback wants it.
  public struct Cursor: Sendable {
    public let batch: SealedBatch
    private var index = 0
    private var within = 0

    public init(_ batch: SealedBatch) { self.batch = batch }

    /// Also rewinds, for a request that must be sent again.
    public mutating func seek(to offset: Int) {
      precondition(offset >= 0, "an offset of the body")
      index = 0
      within = offset
      while index < batch.slices.count, within >= Int(batch.slices[index].count) {
        within -= Int(batch.slices[index].count)
        index += 1
      }
    }

    /// Fills `target` and returns how much; 0 at the end.
    public mutating func read(into target: UnsafeMutableRawBufferPointer) -> Int {
      var done = 0
      while done < target.count, index < batch.slices.count {
        let slice = unsafe batch.slice(index)
        let size = min(slice.count - within, target.count - done)
        unsafe UnsafeMutableRawBufferPointer(rebasing: target[done..<done + size])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: slice[within..<within + size]))
        done += size
        within += size
        if within == slice.count {
          index += 1
          within = 0
        }
      }
      return done
    }
  }
}

/// What is known of a batch besides its bytes.
struct SealedIndex {
  var byteCount = 0
  var recordCount = 0
  var kinds = KindCounts(repeating: 0)
  var chunks: [SealedBatch.Chunk] = []
  var slices: [SealedBatch.Slice] = []
}
