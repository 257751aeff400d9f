// SPDX-License-Identifier: Apache-2.0
// The metrics of the agent: which there are, and how counts become series.

internal import CApusABI
internal import Config
internal import Export
internal import Metrics
internal import OTLP
internal import Probes

/// The instruments, in the order in which they are exposed.
struct Instruments {
  let executions: InstrumentID
  /// The probes' own, by the probe's name; and what never came into a histogram, likewise.
  let histograms: [String: [InstrumentID]]
  let untracked: [(kind: apus_kind, instrument: InstrumentID)]
  let produced: InstrumentID
  let delivered: InstrumentID
  let dropped: InstrumentID
  let missedRuns: InstrumentID
  let queueSize: InstrumentID
  let batches: InstrumentID
  let rejected: InstrumentID
  let memoryLimit: InstrumentID

  static let shape = HistogramShape(
    scale: Int32(APUS_HIST_SCALE), offset: Int32(APUS_HIST_OFFSET),
    // 2^(offset / 8) seconds: the lower edge of the first bucket.
    zeroThreshold: Double(sign: .plus, exponent: Int(APUS_HIST_OFFSET) / 8, significand: 1))

  init(_ store: MetricStore, _ settings: Settings) {
    executions = store.register(
      AgentInstruments.executions, seriesMax: ExecutionCounts.limit)
    var histograms: [String: [InstrumentID]] = [:]
    var untracked: [(kind: apus_kind, instrument: InstrumentID)] = []
    for row in probeRows {
      guard let plan = row.histograms else { continue }
      histograms["\(row.name)"] = plan.instruments.map { descriptor in
        store.register(
          descriptor, shape: descriptor.kind == .histogram ? Instruments.shape : nil,
          seriesMax: plan.slots(settings))
      }
      if let kept = plan.untracked, row.isWanted(settings) {
        untracked.append((kept.kind, store.register(kept.instrument)))
      }
    }
    self.histograms = histograms
    self.untracked = untracked
    produced = store.register(AgentInstruments.produced)
    delivered = store.register(AgentInstruments.delivered)
    dropped = store.register(AgentInstruments.dropped)
    missedRuns = store.register(AgentInstruments.missedRuns)
    queueSize = store.register(AgentInstruments.queueSize)
    batches = store.register(AgentInstruments.batches)
    rejected = store.register(AgentInstruments.rejected)
    memoryLimit = store.register(AgentInstruments.memoryLimit)
  }
}

/// Copies the ledger and the exporter's counts into the store.
///
/// Owned by the sample thread.
struct SelfTelemetry {
  private let store: MetricStore
  private let instruments: Instruments
  private let startUnixNanoseconds: UInt64

  init(_ store: MetricStore, _ instruments: Instruments, startUnixNanoseconds: UInt64) {
    self.store = store
    self.instruments = instruments
    self.startUnixNanoseconds = startUnixNanoseconds
  }

  func record(_ ledger: Ledger) {
    for row in ledger.rows() {
      set(instruments.produced, [row.kind], row.produced)
      set(instruments.delivered, [row.kind, row.destination], row.delivered)
      for (loss, count) in row.dropped {
        set(instruments.dropped, [row.kind, row.destination, loss.hop, loss.reason], count)
      }
    }
  }

  func record(_ intake: Intake) {
    for (destination, signals, bytes) in intake.backlog() {
      set(instruments.queueSize, [destination, name(signals)], UInt64(bytes))
    }
    for (destination, signals, statistics) in intake.statistics() {
      let outcomes = [
        ("delivered", statistics.batchesDelivered), ("dropped", statistics.batchesDropped),
        ("retried", statistics.retries),
      ]
      for (outcome, counter) in outcomes {
        set(instruments.batches, [destination, name(signals), outcome], counter.value)
      }
      set(instruments.rejected, [destination, name(signals)], statistics.rejected.value)
    }
  }

  /// What never came into a histogram of the probe that counts this kind.
  func record(untracked count: UInt64, kind: Int) {
    for kept in instruments.untracked where Int(kept.kind.rawValue) == kind {
      set(kept.instrument, [], count)
    }
  }

  func record(missedRuns count: UInt64) { set(instruments.missedRuns, [], count) }

  func record(_ budget: MemoryBudget) {
    for (owner, bytes) in budget.parts { set(instruments.memoryLimit, [owner], UInt64(bytes)) }
  }

  private func set(_ instrument: InstrumentID, _ attributes: [String], _ value: UInt64) {
    let series = store.series(
      instrument, workload: Workloads.agent, attributes: attributes,
      startUnixNanoseconds: startUnixNanoseconds)
    // Kinds, destinations and reasons are fixed and few: there is always room.
    guard let series else { preconditionFailure("self-telemetry exceeds its bound") }
    store.set(Int64(clamping: value), of: series)
  }

  private func name(_ signals: [Signal]) -> String {
    signals.count == 1 ? "\(signals[0])" : "all"
  }
}
