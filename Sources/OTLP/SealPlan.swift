// SPDX-License-Identifier: Apache-2.0
// Lays out a request around the records of an open batch: sizes first, then the heads (tags,
// lengths, Resource and scope), so that heads and records in turn are the body.

struct SealPlan {
  struct Chunk {
    var primary: Int
    var resource: EncodedResource
    var body: Int
    var recordCount = 0
  }

  private(set) var chunks: [Chunk] = []
  private(set) var recordBytes = 0
  private var headBytes = 0

  /// The whole request.
  var byteCount: Int { headBytes + recordBytes }

  /// Forgets the last batch and keeps the room.
  mutating func removeAll() {
    chunks.removeAll(keepingCapacity: true)
    recordBytes = 0
    headBytes = 0
  }

  /// What the batch needs besides the arena.
  func headRoom(isCompact: Bool) -> Int {
    headBytes + (isCompact ? recordBytes : 0) + WireWriter.slack
  }

  static func scopeBody(_ group: RecordGroup, _ scopes: [Scope]) -> Int {
    scopes[Int(group.scope)].encoded.count + Int(group.byteCount)
  }

  /// Adds the workload whose first group is `primary`.
  mutating func add(
    _ primary: Int, _ resource: EncodedResource, _ index: borrowing RecordIndex, _ scopes: [Scope]
  ) {
    var chunk = Chunk(primary: primary, resource: resource, body: resource.encoded.count)
    var bytes = 0
    var next = UInt16(primary)
    while next != RecordIndex.noGroup {
      let group = index.group(Int(next))
      let scopeBody = SealPlan.scopeBody(group, scopes)
      chunk.body += 1 + WireWriter.varintSize(UInt64(scopeBody)) + scopeBody
      chunk.recordCount += Int(group.recordCount)
      bytes += Int(group.byteCount)
      next = group.nextScope
    }
    recordBytes += bytes
    headBytes += 1 + WireWriter.varintSize(UInt64(chunk.body)) + chunk.body - bytes
    chunks.append(chunk)
  }

  /// Writes the heads and, when compact, the records after them, into an empty batch.
  func seal(
    into batch: SealedBatch, _ index: borrowing RecordIndex, _ scopes: [Scope], arena: Arena,
    isCompact: Bool
  ) {
    var layout = SealLayout(batch, arena: arena, isCompact: isCompact)
    for chunk in chunks { layout.append(chunk, index, scopes) }
    layout.finish(batch)
  }
}

/// Writes heads, and lists or copies records.
private struct SealLayout: ~Copyable {
  private var sealed: SealedIndex
  private var writer: WireWriter
  private let arena: Arena
  private let isCompact: Bool
  /// Where the arena's addresses start.
  private let base: Int
  private var headStart = 0

  init(_ batch: SealedBatch, arena: Arena, isCompact: Bool) {
    sealed = batch.takeContents()
    unsafe writer = WireWriter(batch.heads)
    base = unsafe batch.heads.count
    self.arena = arena
    self.isCompact = isCompact
  }

  mutating func append(
    _ chunk: SealPlan.Chunk, _ index: borrowing RecordIndex, _ scopes: [Scope]
  ) {
    let before = sealed.byteCount
    let headBefore = writer.count
    writer.byte(1 << 3 | 2)
    writer.varint(UInt64(chunk.body))
    writer.raw(chunk.resource.encoded)
    sealed.byteCount += writer.count - headBefore
    var next = UInt16(chunk.primary)
    while next != RecordIndex.noGroup {
      let group = index.group(Int(next))
      append(group, scopes)
      appendRecords(from: group.first, index)
      next = group.nextScope
    }
    sealed.recordCount += chunk.recordCount
    sealed.chunks.append(
      SealedBatch.Chunk(
        offset: before, byteCount: sealed.byteCount - before, recordCount: chunk.recordCount,
        workload: index.group(chunk.primary).workload))
  }

  private mutating func append(_ group: RecordGroup, _ scopes: [Scope]) {
    let before = writer.count
    writer.byte(2 << 3 | 2)
    writer.varint(UInt64(SealPlan.scopeBody(group, scopes)))
    writer.raw(scopes[Int(group.scope)].encoded)
    sealed.byteCount += writer.count - before
  }

  private mutating func appendRecords(from first: UInt32, _ index: borrowing RecordIndex) {
    var record = first
    while record != RecordIndex.none {
      let entry = index.entry(record)
      sealed.kinds[Int(entry.kind)] += 1
      sealed.byteCount += Int(entry.count)
      if isCompact {
        let start = Int(entry.offset)
        unsafe writer.raw(
          UnsafeRawBufferPointer(rebasing: arena.memory[start..<start + Int(entry.count)]))
      } else {
        flushHead()
        appendSlice(UInt32(base + Int(entry.offset)), entry.count)
      }
      record = entry.next
    }
  }

  private mutating func flushHead() {
    guard writer.count > headStart else { return }
    appendSlice(UInt32(headStart), UInt32(writer.count - headStart))
    headStart = writer.count
  }

  /// Neighbours become one slice, so a batch of one workload is two slices.
  private mutating func appendSlice(_ offset: UInt32, _ count: UInt32) {
    let last = sealed.slices.count - 1
    if last >= 0, sealed.slices[last].offset + sealed.slices[last].count == offset {
      sealed.slices[last].count += count
    } else {
      sealed.slices.append(SealedBatch.Slice(offset: offset, count: count))
    }
  }

  consuming func finish(_ batch: SealedBatch) {
    flushHead()
    precondition(!writer.overflowed, "the plan's sizes are exact")
    batch.fill(sealed, arena: isCompact ? nil : arena)
  }
}
