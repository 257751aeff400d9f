// SPDX-License-Identifier: Apache-2.0
// The life of a slot, from a cgroup's first wait to its reuse, on the real kernel.

import CApusABI
import Config
import Identity
import Kernel
import Metrics
import Platform
import Ports
@testable import Probes
import Testing

@testable import Agent

@Suite("histogram samples", .enabled(if: isRoot && unifiedMount != nil, "needs root and cgroup2"))
struct HistogramSamplerTests {
  private let store = MetricStore()
  private let instrument: InstrumentID
  private let builder = ResourceBuilder(configured: [])
  private let workloads: Workloads

  init() {
    instrument = store.register(
      InstrumentDescriptor(
        name: "apus.cpu.runqueue.latency", unit: "s", help: "Wait.", kind: .histogram),
      shape: HistogramShape(
        scale: APUS_HIST_SCALE, offset: APUS_HIST_OFFSET, zeroThreshold: 0x1p-23))
    workloads = Workloads(builder: builder, agentAttributes: [])
  }

  /// How many waits are known of a workload; nil when it has no series.
  private func count(_ workload: UInt32) -> UInt64? {
    let snapshot = store.snapshot(unixNanoseconds: Clock.shared.unixNanoseconds())
    for family in snapshot.instruments {
      for point in family.points where point.workload == workload {
        if case .histogram(let histogram) = point.value { return histogram.count }
      }
    }
    return nil
  }

  @Test("a cgroup's slot becomes a series, ends with it, and is empty for the next one")
  func life() throws {
    let turn = try ProbeTurn()
    defer { turn.end() }
    let slots = 64
    let defaults = ProbeDefaults(selfPID: 0)
    var plan = ProbePlan(knobs: defaults.knobs)
    let cpus = Int(plan.knobs.cpus)
    let replicas = SlotHistograms.replicas(cpus: cpus)
    plan.slots = slots
    plan.knobs.slot_by = APUS_SLOT_BY_CGROUP.rawValue
    plan.knobs.replicas = UInt32(replicas)
    let shared = try SharedMaps()
    var object = try defaults.load(.runqlat, plan, shared)
    let histograms = try SlotHistograms(object, slots: slots, replicas: replicas, cpus: cpus)
    try object.attach()
    let sampler = HistogramSampler(
      histograms, try #require(ProbeRow.runqlat.histograms), store: store,
      instruments: [instrument], workloads: workloads)
    let table = WorkloadTable(builder: builder)

    let cgroup = try TestCgroup()
    try cgroup.run(400)
    sampler.sample(table, SampleTimes(earlier: 1, now: 1))
    #expect(sampler.cgroups.contains(cgroup.key))
    let number = workloads.number(of: cgroup.key, in: table)
    let before = try #require(count(number))
    #expect(before >= 400)
    try cgroup.run(25)
    sampler.sample(table, SampleTimes(earlier: 2, now: 2))
    let after = try #require(count(number))
    #expect(after >= before + 25)

    let isRemoved = cgroup.remove()
    #expect(isRemoved)
    sampler.retire([cgroup.key], now: 100 * HistogramSamplerTests.second)
    store.removeAll(workload: number)
    sampler.sample(table, SampleTimes(earlier: 3, now: 3))
    #expect(!sampler.cgroups.contains(cgroup.key))
    #expect(count(number) == nil)

    // Each next cgroup takes another slot, until the first one's comes round again: empty.
    sampler.recycle(now: 103 * HistogramSamplerTests.second)
    for _ in 0..<slots + 4 {
      let next = try TestCgroup()
      try next.run(3)
      sampler.sample(table, SampleTimes(earlier: 4, now: 4))
      let number = workloads.number(of: next.key, in: table)
      let waits = try #require(count(number))
      #expect(waits >= 3 && waits < 400)
      let isRemoved = next.remove()
      #expect(isRemoved)
      // Those of other tests' cgroups as well, or they would take up all slots.
      let gone = sampler.cgroups.filter { table.isGone(CgroupKey($0)) }
      #expect(gone.contains(next.key))
      sampler.retire(gone, now: 200 * HistogramSamplerTests.second)
      sampler.recycle(now: 203 * HistogramSamplerTests.second)
      store.removeAll(workload: number)
    }
  }

  @Test(
    "slots whose series have the same attributes are one series, of the sum, however often read")
  func twins() throws {
    let turn = try ProbeTurn()
    defer { turn.end() }
    let defaults = ProbeDefaults(selfPID: 0)
    var plan = ProbePlan(knobs: defaults.knobs)
    let cpus = Int(plan.knobs.cpus)
    let replicas = SlotHistograms.replicas(cpus: cpus)
    plan.slots = 64
    plan.knobs.slot_by = APUS_SLOT_BY_ALL.rawValue
    plan.knobs.replicas = UInt32(replicas)
    let shared = try SharedMaps()
    let row = ProbeRow.tcpconnect
    var object = try defaults.load(row, plan, shared)
    let histograms = try SlotHistograms(object, slots: 64, replicas: replicas, cpus: cpus)
    try CgroupPaths.withRoot { try object.attach(optional: row.optionalHooks, cgroup: $0) }
    // As of two numbers of one device: whatever the outcome, the attributes are the same.
    let same = HistogramPlan(
      slots: { _ in 64 }, instruments: [],
      series: { _ in SlotSeries(histogram: 0, amount: nil, attributes: []) }, untracked: nil)
    let sampler = HistogramSampler(
      histograms, same, store: store, instruments: [instrument], workloads: workloads)
    let table = WorkloadTable(builder: builder)
    let cgroup = try TestCgroup()
    let listener = LoopbackPort()
    try cgroup.connect(40, port: 1)
    try cgroup.connect(30, port: listener.number)
    let number = workloads.number(of: cgroup.key, in: table)
    for sample in 1...5 as ClosedRange<UInt64> {
      sampler.sample(table, SampleTimes(earlier: sample, now: sample))
      #expect(count(number) == 70)
    }
    try cgroup.connect(5, port: 1)
    sampler.sample(table, SampleTimes(earlier: 6, now: 6))
    #expect(count(number) == 75)
    let isRemoved = cgroup.remove()
    #expect(isRemoved)
    sampler.retire([cgroup.key], now: 100 * HistogramSamplerTests.second)
    #expect(!sampler.cgroups.contains(cgroup.key))
  }

  private static let second: UInt64 = 1_000_000_000
}
