// SPDX-License-Identifier: Apache-2.0
// The open batch: log records are encoded where they will be sent from. Owned by the thread that
// reads the ring; what it seals may go anywhere.

/// How encoding a record ended.
public enum RecordOutcome: Sendable {
  case appended
  /// No room left: seal and encode the record again.
  case batchFull
  /// It does not fit into an empty batch: count it as dropped.
  case tooLarge
}

/// Log records in order of arrival, chained by workload and scope.
///
///     guard builder.beginRecord(workload: handle, kind: kind) else { seal, then begin again }
///     encode(&builder.writer)
///     switch builder.endRecord() { … }
public struct LogBatchBuilder: ~Copyable {
  /// Between `beginRecord` and `endRecord` it stands inside the LogRecord message.
  public var writer: WireWriter

  private let pool: ArenaPool
  private let scopes: [Scope]
  private var arena: Arena
  private var index: RecordIndex
  private var plan = SealPlan()
  private var recycler: BatchRecycler
  private var start = 0
  private var message = OpenMessage(lengthOffset: 0)
  private var pending: RecordEntry?

  /// How many sealed batches are filled again and again; each may keep an arena meanwhile.
  public static let recycledMax = 10

  /// `scopes` are what `beginRecord(scope:)` indexes.
  public init(
    pool: ArenaPool, scopes: [Scope], recordsMax: Int = 4096, workloadsMax: Int = 1024
  ) {
    precondition(!scopes.isEmpty && scopes.count < 256, "at least one scope")
    self.pool = pool
    self.scopes = scopes
    let arena = pool.take()
    self.arena = arena
    index = RecordIndex(recordsMax: recordsMax, groupsMax: workloadsMax)
    writer = unsafe WireWriter(arena.memory)
    recycler = BatchRecycler(.logs, limit: LogBatchBuilder.recycledMax, pool: pool)
  }

  deinit { pool.give(arena) }

  public var recordCount: Int { index.recordCount }

  public var byteCount: Int { writer.count }

  public var isEmpty: Bool { index.recordCount == 0 }

  /// Starts a LogRecord; false when the batch is full and must be sealed first.
  public mutating func beginRecord(workload: UInt32, kind: UInt8, scope: UInt8 = 0) -> Bool {
    precondition(pending == nil, "a record is open")
    precondition(Int(scope) < scopes.count && kind < 32, "scope or kind out of range")
    guard !index.isFull else { return false }
    start = writer.count
    message = writer.open(field: 2)
    guard !writer.overflowed else {
      writer.rollback(to: start)
      return false
    }
    pending = RecordEntry(
      offset: UInt32(start), count: 0, workload: workload, scope: scope, kind: kind)
    return true
  }

  public mutating func endRecord() -> RecordOutcome {
    guard var entry = pending else { preconditionFailure("no record is open") }
    pending = nil
    writer.close(message)
    guard !writer.overflowed else {
      let hadRoom = start == 0 || writer.count - start > WireWriter.messageSizeMax
      writer.rollback(to: start)
      return hadRoom ? .tooLarge : .batchFull
    }
    entry.count = UInt32(writer.count - start)
    guard index.append(entry) else {
      writer.rollback(to: start)
      return .batchFull
    }
    return .appended
  }

  /// Forgets the record that was begun.
  public mutating func abandonRecord() {
    precondition(pending != nil, "no record is open")
    pending = nil
    writer.rollback(to: start)
  }

  /// Gives away what was recorded; nil when there is nothing to give.
  ///
  /// `resource` is asked once per workload, so identity may be learned until now. Nil holds the
  /// workload's records back: they open the next batch. A full batch must not be held whole, so
  /// when a record is refused again after sealing, it is dropped and counted.
  public mutating func seal(_ resource: (UInt32) -> EncodedResource?) -> SealedBatch? {
    precondition(pending == nil, "a record is open")
    plan.removeAll()
    for group in 0..<index.groupCount where index.group(group).isPrimary {
      if let resource = resource(index.group(group).workload) {
        plan.add(group, resource, index, scopes)
      } else {
        index.hold(group)
      }
    }
    let isCompact = plan.recordBytes <= pool.arenaSize / 4
    // A small batch is copied into memory of its own size, so that a bound in bytes on what waits
    // is honest and the warm arena stays here.
    var sealed: SealedBatch?
    if !plan.chunks.isEmpty {
      let batch = recycler.take(
        headBytes: plan.headRoom(isCompact: isCompact), byteCount: plan.byteCount)
      plan.seal(into: batch, index, scopes, arena: arena, isCompact: isCompact)
      sealed = batch
    }
    let old = arena
    if !isCompact { arena = pool.take() }
    writer = unsafe WireWriter(arena.memory)
    let carried = unsafe index.carryHeld(from: old.memory, to: arena.memory)
    writer.skip(carried)
    return sealed
  }
}
