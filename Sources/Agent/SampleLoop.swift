// SPDX-License-Identifier: Apache-2.0
// The sample thread: once a second reads what the kernel counted, and exports at the interval.

internal import CApusABI
internal import Config
internal import Export
internal import Identity
internal import Kernel
internal import Metrics
internal import OTLP
internal import Platform
internal import Probes

/// Owned by the sample thread.
// Sendable: built by the main thread, handed to the sample thread once, and used by it alone.
final class SampleLoop: @unchecked Sendable {
  static let tickMilliseconds: UInt64 = 1000
  /// Looking up every known cgroup is cheap, and not needed more often.
  private static let reclaimTicks = 30

  let heartbeat = Heartbeat()
  private let event: Event
  private let ledger: Ledger
  private let executions: ExecutionCounts
  private let intake: Intake
  private let store: MetricStore
  private let instruments: Instruments
  private let telemetry: SelfTelemetry
  private let workloads: Workloads
  private let intervalNanoseconds: UInt64
  private var lastSampleUnixNanoseconds: UInt64
  private var table: WorkloadTable
  private var cells: LedgerReader
  private let samplers: [HistogramSampler]
  private let runs: ProgramRuns
  private var gone = GoneCgroups()
  /// nil when metrics go nowhere.
  private var exports: MetricExports?

  init(
    event: Event, cells: consuming LedgerReader, samplers: [HistogramSampler], runs: ProgramRuns,
    shared: SharedParts, settings: Settings, version: String
  ) {
    self.event = event
    self.cells = cells
    ledger = shared.ledger
    executions = shared.executions
    intake = shared.intake
    store = shared.store
    instruments = shared.instruments
    workloads = shared.workloads
    lastSampleUnixNanoseconds = shared.startUnixNanoseconds
    telemetry = SelfTelemetry(
      shared.store, shared.instruments, startUnixNanoseconds: shared.startUnixNanoseconds)
    intervalNanoseconds = UInt64(settings.metricsIntervalMilliseconds) * 1_000_000
    table = WorkloadTable(builder: shared.resources)
    self.samplers = samplers
    self.runs = runs
    exports =
      shared.intake.takes(.metrics)
      ? MetricExports(shared, settings.metricForm, version: version) : nil
    telemetry.record(shared.budget)
  }

  /// Works until `stop` is raised, then takes and exports a last sample.
  func run(until stop: StopFlag) {
    // At once, so that a scrape of the first second finds every instrument.
    sample()
    var tick = 0
    var exportAt = Clock.bootNanoseconds() + intervalNanoseconds
    while true {
      event.wait(milliseconds: Int(min(SampleLoop.tickMilliseconds, untilNext(exportAt))))
      let isLast = stop.isRaised
      Clock.shared.refresh()
      sample()
      let now = Clock.bootNanoseconds()
      if isLast || now >= exportAt {
        exports?.export()
        exportAt = max(exportAt + intervalNanoseconds, now)
      }
      tick += 1
      for sampler in samplers { sampler.recycle(now: now) }
      if tick % SampleLoop.reclaimTicks == 0 { forgetGone(now: now) }
      heartbeat.beat()
      if isLast { return }
    }
  }

  private func untilNext(_ deadline: UInt64) -> UInt64 {
    let now = Clock.bootNanoseconds()
    return deadline <= now ? 0 : (deadline - now) / 1_000_000 + 1
  }

  private func sample() {
    for kind in ledger.kinds.indices where kind != Int(APUS_KIND_NONE.rawValue) {
      do throws(KernelError) {
        let cell = try cells.read(kind: UInt32(kind))
        var counts = KernelCounts()
        counts.produced = cell.produced
        counts.filteredSelf = cell.filtered_self
        counts.filteredScope = cell.filtered_scope
        counts.untracked = cell.untracked
        counts.ringFull = cell.ring_full
        ledger.record(kernel: counts, kind: kind)
        telemetry.record(untracked: cell.untracked, kind: kind)
      } catch {
        Log.error("cannot read the ledger", ["error": "\(error)"])
      }
    }
    let times = SampleTimes(
      earlier: lastSampleUnixNanoseconds, now: Clock.shared.unixNanoseconds())
    for sampler in samplers { sampler.sample(table, times) }
    for (key, count) in executions.snapshot() { record(key, count, times) }
    lastSampleUnixNanoseconds = times.now
    forget(workloads.takeReplaced(), times.now)
    telemetry.record(missedRuns: runs.missed())
    telemetry.record(ledger)
    telemetry.record(intake)
  }

  private func record(_ key: ExecutionKey, _ count: UInt64, _ times: SampleTimes) {
    var series: SeriesID?
    if key != ExecutionCounts.overflowKey {
      let workload = workloads.number(of: key.cgroup, in: table)
      series = store.series(
        instruments.executions, workload: workload,
        attributes: [key.error == 0 ? "" : errnoName(Int32(key.error))],
        startUnixNanoseconds: workloads.begin(of: workload, times))
    }
    store.set(
      Int64(clamping: count),
      of: series ?? store.overflow(instruments.executions, startUnixNanoseconds: times.earlier))
  }

  /// Ends all that is kept for cgroups that have not existed for a while.
  private func forgetGone(now: UInt64) {
    var keys = Set(executions.snapshot().keys.map(\.cgroup))
    for sampler in samplers { keys.formUnion(sampler.cgroups) }
    forget(gone.expired(among: keys, in: table, now: now), Clock.shared.unixNanoseconds())
  }

  /// A late record of one that was forgotten begins a series anew.
  private func forget(_ ended: Set<UInt64>, _ unixNanoseconds: UInt64) {
    guard !ended.isEmpty else { return }
    exports?.exportLast(of: Set(ended.compactMap { workloads.known($0) }), unixNanoseconds)
    executions.remove { ended.contains($0.cgroup) }
    for sampler in samplers { sampler.retire(ended, now: Clock.bootNanoseconds()) }
    for key in ended {
      if let number = workloads.remove(key) { store.removeAll(workload: number) }
    }
  }
}
