// SPDX-License-Identifier: Apache-2.0
// A finished batch: bytes that any thread may read, several at once, and that nobody changes while
// anyone but the thread that sealed it refers to it.

public enum Signal: UInt8, Sendable {
  case logs, metrics, traces
}

/// How many records of each kind a batch holds; the kinds are the caller's.
public typealias KindCounts = InlineArray<32, UInt32>

/// The body of one export request, chunk by chunk: each chunk is one complete ResourceLogs,
/// ResourceMetrics or ResourceSpans field, so a subset of chunks is a request too.
// Sendable: whoever has one reads it only; BatchRecycler says when it may be filled again.
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
  public var byteCount: Int { contents.byteCount }
  public var recordCount: Int { contents.recordCount }
  public var kinds: KindCounts { contents.kinds }
  public var chunks: [Chunk] { contents.chunks }
  private var contents: SealedIndex
  private(set) var heads: UnsafeMutableRawBufferPointer
  private var arena: Arena?
  private let pool: ArenaPool?

  /// Takes over `heads` and, when records stay where they were encoded, `arena`.
  init(
    signal: Signal, index: SealedIndex, heads: UnsafeMutableRawBufferPointer, arena: Arena?,
    pool: ArenaPool?
  ) {
    self.signal = signal
    contents = index
    unsafe self.heads = heads
    self.arena = arena
    self.pool = pool
  }

  /// Empty, with room for heads; `fill` makes it a batch.
  convenience init(signal: Signal, headBytes: Int, pool: ArenaPool) {
    let heads = unsafe SealedBatch.allocate(headBytes)
    unsafe self.init(
      signal: signal, index: SealedIndex(), heads: heads, arena: nil, pool: pool)
  }

  deinit {
    unsafe heads.deallocate()
    if let arena, let pool { pool.give(arena) }
  }

  /// What the batch keeps allocated, for bounds in bytes: arena and room count whole, used or not.
  public var memoryByteCount: Int {
    unsafe heads.count + (arena?.memory.count ?? 0) + contents.memoryByteCount
  }

  public var sliceCount: Int { contents.slices.count }

  /// The slices, in order, are the request's body.
  public func withSlice<Result>(
    _ index: Int, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    unsafe body(slice(index))
  }

  func slice(_ index: Int) -> UnsafeRawBufferPointer {
    let slice = contents.slices[index]
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
      while index < batch.sliceCount, within >= Int(batch.contents.slices[index].count) {
        within -= Int(batch.contents.slices[index].count)
        index += 1
      }
    }

    /// Fills `target` and returns how much; 0 at the end.
    public mutating func read(into target: UnsafeMutableRawBufferPointer) -> Int {
      var done = 0
      while done < target.count, index < batch.sliceCount {
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

// MARK: Filling again

/// By the thread that seals, while it has the only reference.
extension SealedBatch {
  /// More than this, and more than a few times its body, a batch must not keep: a queue that is
  /// bounded in bytes would be full of nothing.
  private static let spareMax = 4096

  /// A power of two, so that heads of about the same size find room in each other's.
  private static func allocate(_ headBytes: Int) -> UnsafeMutableRawBufferPointer {
    let size = 1 << (Int.bitWidth - (max(headBytes, 1024) - 1).leadingZeroBitCount)
    return .allocate(byteCount: size, alignment: 16)
  }

  /// Whether the heads fit and what is kept is in proportion to the body.
  func fits(headBytes: Int, byteCount: Int) -> Bool {
    let kept = unsafe heads.count + contents.memoryByteCount
    return unsafe headBytes <= heads.count && kept <= 4 * byteCount + SealedBatch.spareMax
  }

  /// Forgets what it held; its arena goes back to the pool.
  func empty(keepingMemory: Bool, headBytes: Int) {
    if let arena, let pool { pool.give(arena) }
    arena = nil
    guard !keepingMemory else { return contents.removeAll() }
    contents = SealedIndex()
    unsafe heads.deallocate()
    unsafe heads = SealedBatch.allocate(headBytes)
  }

  /// The tables, to be filled and given back by `fill`.
  func takeContents() -> SealedIndex {
    let taken = contents
    contents = SealedIndex()
    return taken
  }

  /// Takes `arena` over when records stay where they were encoded.
  func fill(_ contents: consuming SealedIndex, arena: Arena?) {
    self.contents = contents
    self.arena = arena
  }
}

/// What is known of a batch besides its bytes.
struct SealedIndex {
  var byteCount = 0
  var recordCount = 0
  var kinds = KindCounts(repeating: 0)
  var chunks: [SealedBatch.Chunk] = []
  var slices: [SealedBatch.Slice] = []

  /// What the tables keep allocated, in whole KiB: how much more than asked for malloc gives an
  /// array differs from call to call, and equal batches should count alike.
  var memoryByteCount: Int {
    let bytes =
      slices.capacity * MemoryLayout<SealedBatch.Slice>.stride
      + chunks.capacity * MemoryLayout<SealedBatch.Chunk>.stride
    return (bytes + 1023) & ~1023
  }

  /// Keeps the tables' room.
  mutating func removeAll() {
    byteCount = 0
    recordCount = 0
    kinds = KindCounts(repeating: 0)
    chunks.removeAll(keepingCapacity: true)
    slices.removeAll(keepingCapacity: true)
  }
}
