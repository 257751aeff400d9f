// SPDX-License-Identifier: Apache-2.0
// `apus runqlat`: how long tasks wait for a CPU, as bcc's tool draws it.

internal import CApusABI
internal import CLI
internal import Config
internal import Glibc
internal import Kernel
internal import Platform
internal import Probes

/// What `--pids` and `--tids` have room for; the rest is drawn under "other".
private let keyedSlots = 4096

/// Reads the kernel's histograms and draws what was added since the last time.
private struct RunqueueView: ~Copyable {
  private struct Series {
    var key: UInt64
    var comm: String
    var counters = [UInt32](repeating: 0, count: Int(APUS_HIST_BUCKETS) + 2)
  }

  private let options: RunqlatOptions
  private let histograms: SlotHistograms
  private var reading = SlotReading()
  /// The first slot takes what found no other.
  private var series: [UInt32: Series] = [0: Series(key: .max, comm: "other")]

  init(_ options: RunqlatOptions, _ histograms: consuming SlotHistograms) {
    self.options = options
    self.histograms = histograms
  }

  /// Draws one interval.
  mutating func show() {
    histograms.forEachSlot { key, slot in
      guard series[slot.slot] == nil else { return }
      let comm = unsafe withUnsafeBytes(of: slot.comm) { comm in
        unsafe String(decoding: comm.prefix { $0 != 0 }, as: UTF8.self)
      }
      series[slot.slot] = Series(key: key.key, comm: comm)
    }
    if options.timestamp && !options.json { Output.line(Tool.timeOfDay()) }
    var drawn = false
    for slot in series.keys.sorted() {
      guard var entry = series[slot] else { continue }
      histograms.read(Int(slot), into: &reading)
      let fine = difference(&entry.counters)
      series[slot] = entry
      if fine.total > 0 {
        show(fine, entry.key, entry.comm)
        drawn = true
      }
    }
    if !drawn, options.json { Output.line(json(FineBuckets.empty, 0, "")) }
    if !options.json { Output.line("") }
    Output.flush()
  }

  /// What the kernel has counted since `last`, which becomes what it has now.
  private mutating func difference(_ last: inout [UInt32]) -> FineBuckets {
    let buckets = Int(APUS_HIST_BUCKETS)
    var counts = [UInt64](repeating: 0, count: buckets)
    for index in 0..<buckets {
      counts[index] = UInt64(reading.counters[index] &- last[index])
    }
    let zero = UInt64(reading.counters[buckets] &- last[buckets])
    last = reading.counters
    return FineBuckets(firstIndex: Int(APUS_HIST_OFFSET), counts: counts, zeroCount: zero)
  }

  private func show(_ fine: FineBuckets, _ key: UInt64, _ comm: String) {
    guard !options.json else { return Output.line(json(fine, key, comm)) }
    if key == .max {
      let room = histograms.slotCount - Int(APUS_SLOT_OVERFLOWS)
      Output.line("\nother = more than the \(room) that there is room for")
    } else {
      switch options.grouping {
      case .all: break
      case .processes: Output.line("\npid = \(key) \(printable(comm))")
      case .threads: Output.line("\ntid = \(key) \(printable(comm))")
      case .pidNamespaces: Output.line("\npidns = \(key) \(printable(comm))")
      }
    }
    if options.exponential { return Output.text(fine.drawn()) }
    Output.text(Log2Histogram(slotsOf: fine).drawn(label: options.unit.rawValue))
  }

  private func json(_ fine: FineBuckets, _ key: UInt64, _ comm: String) -> String {
    var object = JSONLine()
    object.add("time", iso8601(unixNanoseconds: Clock.shared.unixNanoseconds()))
    switch options.grouping {
    case .all: break
    case .processes: object.add("pid", key)
    case .threads: object.add("tid", key)
    case .pidNamespaces: object.add("pidns", key)
    }
    if options.grouping != .all { object.add("comm", comm) }
    object.add("count", fine.total)
    if options.exponential {
      object.add("unit", "s")
      object.add("scale", Int(APUS_HIST_SCALE))
      object.add("offset", fine.firstIndex)
      object.add("zero_count", fine.zeroCount)
      object.add("buckets", fine.counts)
    } else {
      object.add("unit", options.unit.rawValue)
      object.add("histogram", Log2Histogram(slotsOf: fine).rows)
    }
    return object.finished()
  }
}

extension RunqlatOptions {
  fileprivate var unit: TimeUnit { milliseconds ? .milliseconds : .microseconds }
}

extension Log2Histogram {
  /// With `knobs.log2_unit_ns` set the kernel counts in bcc's slots, not in fine buckets.
  fileprivate init(slotsOf counted: FineBuckets) {
    self.init(slots: Array(counted.counts.prefix(Log2Histogram.slotsMax)))
  }

  /// The slots that hold something.
  fileprivate var rows: [JSONLine] {
    slots.indices.filter { slots[$0] > 0 }.map { slot in
      var row = JSONLine()
      row.add("low", Log2Histogram.low(slot))
      row.add("high", Log2Histogram.high(slot))
      row.add("count", slots[slot])
      return row
    }
  }
}

extension FineBuckets {
  fileprivate static let empty = FineBuckets(firstIndex: 0, counts: [], zeroCount: 0)
}

func runRunqlat(_ options: RunqlatOptions) throws(Failure) {
  Tool.configureLog(verbose: options.verbose)
  try Tool.requirePrivilege()
  let signals = Signals(blocking: [SIGINT, SIGTERM, SIGHUP])
  let defaults = ProbeDefaults(selfPID: OwnProcess.initialID() ?? 0)
  var plan = ProbePlan(knobs: defaults.knobs)
  plan.knobs.pid = UInt32(bitPattern: options.pid ?? 0)
  plan.knobs.cgroup_key = try Tool.cgroupKey(ofPath: options.cgroup)
  let isKeyed = options.grouping != .all
  plan.knobs.slot_by =
    switch options.grouping {
    case .all: APUS_SLOT_BY_NOTHING.rawValue
    case .processes: APUS_SLOT_BY_PROCESS.rawValue
    case .threads: APUS_SLOT_BY_THREAD.rawValue
    case .pidNamespaces: APUS_SLOT_BY_PID_NAMESPACE.rawValue
    }
  let cpus = Features.possibleCPUs
  // One histogram is shared by all CPUs, so it is worth copies; thousands are each touched seldom.
  let replicas = isKeyed ? 1 : SlotHistograms.replicas(cpus: cpus)
  let slots = Int(APUS_SLOT_OVERFLOWS) + (isKeyed ? keyedSlots : 1)
  plan.knobs.replicas = UInt32(replicas)
  plan.slots = slots
  if !options.exponential { plan.knobs.log2_unit_ns = options.unit.nanoseconds }
  do throws(KernelError) {
    let shared = try SharedMaps()
    var object = try defaults.load(.runqlat, plan, shared)
    let histograms = try SlotHistograms(object, slots: slots, replicas: replicas, cpus: cpus)
    try object.attach()
    var view = RunqueueView(options, histograms)
    if !options.json { Output.line("Tracing run queue latency... Hit Ctrl-C to end.") }
    Output.flush()
    var left = options.count ?? .max
    while left > 0 {
      let signal = signals.wait(milliseconds: options.intervalSeconds.map { $0 * 1000 })
      if signal != nil { object.detach() }
      if !options.json { Output.line("") }
      view.show()
      if signal != nil { break }
      left -= 1
    }
  } catch {
    throw Tool.failure(error)
  }
}
