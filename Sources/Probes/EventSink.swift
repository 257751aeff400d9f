// SPDX-License-Identifier: Apache-2.0
// What becomes of a record: counted, written once as OTLP bytes, sealed by size or age.

internal import CApusABI
package import Config
package import Export
package import Identity
internal import Kernel
package import OTLP
internal import Platform

/// The names of the kinds in the ledger; the index is the number in the record.
package let eventKinds: [String] = {
  var names = [String](repeating: "", count: Int(APUS_KIND_COUNT.rawValue))
  // What cannot be read has no kind to be charged to.
  names[Int(APUS_KIND_NONE.rawValue)] = "unknown"
  for event in EventRow.all { names[Int(event.kind.rawValue)] = event.name }
  return names
}()

/// Owned by the thread that reads the ring.
package struct EventSink: ~Copyable, RecordSink {
  /// When the open batch is given away.
  package struct Sealing: Sendable {
    package let byteCount: Int
    package let ageNanoseconds: UInt64
    package let recordsMax: Int

    /// What the batch's own tables have room for.
    private static let recordsLimit = 4096

    package init(byteCount: Int, ageNanoseconds: UInt64, recordsMax: Int? = nil) {
      self.byteCount = byteCount
      self.ageNanoseconds = ageNanoseconds
      self.recordsMax = min(recordsMax ?? Sealing.recordsLimit, Sealing.recordsLimit)
    }
  }

  /// More than the longest record takes as OTLP: 8 KiB of one-byte arguments grow ninefold.
  package static let recordBytesMax = 128 << 10

  private let ledger: Ledger
  private let executions: ExecutionCounts
  private let sealing: Sealing
  /// nil when no destination takes logs: records are then counted, and not encoded.
  private let publish: ((SealedBatch) -> Void)?
  private var encoder: EventEncoder
  private var builder: LogBatchBuilder
  private var workloads: WorkloadTable
  private var openedAt: UInt64 = 0
  /// The open batch has no record yet.
  private var isFresh = true
  private var now: UInt64 = 0
  private var counted = KindCounts(repeating: 0)
  private var lastExecution = ExecutionKey(cgroup: 0, error: 0)
  private var lastExecutionCount: UInt64 = 0

  package init(
    privacy: ArgumentPrivacy, charactersMax: Int = .max, epochSeconds: UInt64, version: String,
    pool: ArenaPool,
    sealing: Sealing, resources: ResourceBuilder, ledger: Ledger, executions: ExecutionCounts,
    publish: ((SealedBatch) -> Void)?
  ) {
    self.ledger = ledger
    self.executions = executions
    self.sealing = sealing
    self.publish = publish
    encoder = EventEncoder(
      privacy: privacy, charactersMax: charactersMax,
      bootID: readText("/proc/sys/kernel/random/boot_id") ?? "", epochSeconds: epochSeconds)
    builder = LogBatchBuilder(
      pool: pool,
      scopes: [
        Scope(name: "apus", version: version, schemaURL: ResourceBuilder.schemaURL)
      ], recordsMax: sealing.recordsMax)
    workloads = WorkloadTable(builder: resources)
  }

  /// Before records are accepted: fixes the clock of this turn.
  package mutating func beginTurn() {
    now = Clock.bootNanoseconds()
    encoder.unixOffset = Clock.shared.unixOffset
    encoder.observedNanoseconds = Clock.shared.unixNanoseconds(boot: now)
  }

  /// After the turn's last record: publishes counts, and the batch when it is large or old enough.
  package mutating func endTurn(flush: Bool = false) {
    settleExecutions()
    if publish == nil { settleCounts() }
    guard !builder.isEmpty else { return }
    let isFull =
      builder.byteCount >= sealing.byteCount || builder.recordCount >= sealing.recordsMax
    if flush || isFull || now - openedAt >= sealing.ageNanoseconds { seal() }
  }

  package mutating func accept(_ bytes: RawSpan) {
    guard let header = try? Record<apus_header>(bytes) else {
      return refuse(.truncated, APUS_KIND_NONE, bytes.byteCount)
    }
    switch UInt32(header.kind) {
    case APUS_KIND_EXEC.rawValue: take(as: ExecForm.self, bytes)
    case APUS_KIND_EXIT.rawValue: take(as: ExitForm.self, bytes)
    case APUS_KIND_CONNECT.rawValue: take(as: ConnectForm.self, bytes)
    case APUS_KIND_RETRANSMIT.rawValue: take(as: RetransmitForm.self, bytes)
    default: refuse(.unknownKind, apus_kind(UInt32(header.kind)), bytes.byteCount)
    }
  }

  private mutating func take<Form: EventForm>(as form: Form.Type, _ bytes: RawSpan) {
    guard let record = try? Record<Form.Layout>(bytes), Form.isComplete(record) else {
      return refuse(.truncated, Form.kind, bytes.byteCount)
    }
    if let execution = Form.execution(record) { count(execution) }
    if publish == nil {
      counted[Int(Form.kind.rawValue)] += 1
    } else {
      append(record, as: form)
    }
  }

  /// Counts a record that the two halves disagree about, and says so: it is our own fault.
  private func refuse(_ loss: Loss, _ kind: apus_kind, _ byteCount: Int) {
    let isKnown = loss == .truncated
    ledger.drop(loss, kind: Int(isKnown ? kind.rawValue : APUS_KIND_NONE.rawValue))
    Log.error(
      isKnown ? "record is shorter than it says" : "record of an unknown kind",
      [
        "kind": "\(kind.rawValue)", "bytes": "\(byteCount)",
        "expected": isKnown ? "the layout in apus_abi.h" : "a kind of apus_abi.h",
      ])
  }

  /// Writes one record into the open batch; a full one is sealed first.
  private mutating func append<Form: EventForm>(
    _ record: borrowing Record<Form.Layout>, as form: Form.Type
  ) {
    let cgroup = Form.cgroup(record)
    for _ in 0..<2 {
      let handle = workloads.handle(of: cgroup)
      guard builder.beginRecord(workload: handle, kind: UInt8(Form.kind.rawValue)) else {
        seal()
        continue
      }
      Form.encode(record, with: &encoder, to: &builder.writer)
      switch builder.endRecord() {
      case .appended:
        if isFresh { openedAt = now }
        isFresh = false
        return
      case .batchFull: seal()
      case .tooLarge: return ledger.drop(.tooLarge, kind: Int(Form.kind.rawValue))
      }
    }
    // An empty batch refused it too.
    ledger.drop(.tooLarge, kind: Int(Form.kind.rawValue))
  }

  private mutating func seal() {
    let batch = builder.seal { workloads.resource(of: $0) }
    // What is held back has been waiting already: it keeps its age.
    isFresh = builder.isEmpty
    if isFresh { workloads.forgetIfFull() }
    if let batch { publish?(batch) }
  }

  private mutating func count(_ key: ExecutionKey) {
    if key != lastExecution {
      settleExecutions()
      lastExecution = key
    }
    lastExecutionCount += 1
  }

  private mutating func settleExecutions() {
    guard lastExecutionCount > 0 else { return }
    executions.add(lastExecutionCount, to: lastExecution)
    lastExecutionCount = 0
  }

  private mutating func settleCounts() {
    ledger.deliver(counted, destination: 0)
    counted = KindCounts(repeating: 0)
  }
}
