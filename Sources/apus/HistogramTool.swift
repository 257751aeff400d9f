// SPDX-License-Identifier: Apache-2.0
// What the tools that draw histograms have in common: load, attach, draw each interval what the
// kernel has counted since the last.

internal import CApusABI
internal import CLI
internal import Glibc
internal import Kernel
internal import Platform
internal import Probes

/// What one tool measures, and how it shows it.
struct HistogramTool {
  /// What has keys has room for so many; the rest is drawn under "other".
  static let keysMax = 4096

  let row: ProbeRow
  let report: HistogramReport
  let intervalSeconds: Int?
  let intervals: Int?
  let json: Bool
  /// How many histograms are kept apart; nil for a single one.
  let keysMax: Int?
  /// What a slot's histogram is of.
  let key: (apus_slot_key, _ comm: String) -> HistogramKey

  /// Draws at each interval, or once at the end; ends at a signal or after the last interval.
  func run(
    tracing: String, _ configure: (inout ProbePlan) -> Void
  ) throws(Failure) {
    let signals = Signals(blocking: [SIGINT, SIGTERM, SIGHUP])
    let defaults = ProbeDefaults(selfPID: OwnProcess.initialID() ?? 0)
    var plan = ProbePlan(knobs: defaults.knobs)
    let cpus = Features.possibleCPUs
    // One histogram is shared by all CPUs, so it is worth copies; of thousands each is not.
    let replicas = keysMax == nil ? SlotHistograms.replicas(cpus: cpus) : 1
    plan.knobs.replicas = UInt32(replicas)
    plan.slots = Int(APUS_SLOT_OVERFLOWS) + (keysMax ?? 1)
    if !report.isExponential { plan.knobs.log2_unit_ns = report.unit.nanoseconds }
    configure(&plan)
    do throws(KernelError) {
      let shared = try SharedMaps()
      var object = try defaults.load(row, plan, shared)
      let histograms = try SlotHistograms(
        object, slots: plan.slots, replicas: replicas, cpus: cpus)
      try object.attach(optional: row.optionalHooks)
      Tool.tell(object.reports)
      var view = HistogramView(self, histograms)
      if !json { Output.line(tracing) }
      Output.flush()
      var left = intervals ?? .max
      while left > 0 {
        let signal = signals.wait(milliseconds: intervalSeconds.map { $0 * 1000 })
        if signal != nil { object.detach() }
        left = signal == nil ? left - 1 : 0
        view.show(isLast: left == 0)
      }
      if let kept = row.histograms?.untracked {
        var counts = LedgerReader(shared.ledger)
        let count = try counts.read(kind: kept.kind.rawValue).untracked
        // A few are under way at every start, so only --verbose tells.
        if count > 0 { Log.debug("begun before, not shown", ["count": "\(count)"]) }
      }
    } catch {
      throw Tool.failure(error)
    }
  }
}

/// Reads the kernel's histograms and draws what was added since the last time.
private struct HistogramView: ~Copyable {
  private struct Series {
    let key: HistogramKey
    var counters = [UInt32](repeating: 0, count: Int(APUS_HIST_BUCKETS) + 2)
  }

  private let tool: HistogramTool
  private let histograms: SlotHistograms
  private var reading = SlotReading()
  private var display: IntervalDisplay
  private var series: [UInt32: Series] = [:]

  init(_ tool: HistogramTool, _ histograms: consuming SlotHistograms) {
    self.tool = tool
    display = IntervalDisplay(
      Tool.terminal, intervalSeconds: tool.intervalSeconds, json: tool.json)
    // The first slots take what found no other.
    let room = histograms.slotCount - Int(APUS_SLOT_OVERFLOWS)
    for slot in 0..<UInt32(APUS_SLOT_OVERFLOWS) {
      series[slot] = Series(key: .other(roomFor: room))
    }
    self.histograms = histograms
  }

  /// Draws one interval.
  mutating func show(isLast: Bool) {
    histograms.forEachSlot { key, slot in
      guard series[slot.slot] == nil else { return }
      let comm = unsafe withUnsafeBytes(of: slot.comm) { comm in
        unsafe String(decoding: comm.prefix { $0 != 0 }, as: UTF8.self)
      }
      series[slot.slot] = Series(key: tool.key(key, comm))
    }
    var drawn: [HistogramReport.Series] = []
    for slot in series.keys.sorted() {
      guard var entry = series[slot] else { continue }
      histograms.read(Int(slot), into: &reading)
      drawn.append(HistogramReport.Series(entry.key, difference(&entry.counters)))
      series[slot] = entry
    }
    if tool.json {
      for line in tool.report.json(drawn, time: Tool.now()) { Output.line(line) }
    } else {
      let text = tool.report.text(drawn, timeOfDay: Tool.timeOfDay())
      Output.text(display.show(text, isLast: isLast, on: Tool.terminal))
    }
    Output.flush()
  }

  /// What the kernel has counted since `last`, which becomes what it has now.
  private mutating func difference(_ last: inout [UInt32]) -> FineBuckets {
    let buckets = Int(APUS_HIST_BUCKETS)
    var counts = [UInt64](repeating: 0, count: buckets)
    for index in 0..<buckets {
      counts[index] = UInt64(reading.counters[index] &- last[index])
    }
    let above = UInt64(reading.counters[buckets] &- last[buckets])
    let zero = UInt64(reading.counters[buckets + 1] &- last[buckets + 1])
    last = reading.counters
    return FineBuckets(
      firstIndex: Int(APUS_HIST_OFFSET), counts: counts, zeroCount: zero, aboveCount: above)
  }
}
