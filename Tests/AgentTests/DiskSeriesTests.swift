// SPDX-License-Identifier: Apache-2.0
// Two loop devices under one name, as when a volume comes back with another number.

import CApusABI
import Glibc
import Identity
import Kernel
import Metrics
import Platform
@testable import Probes
import Testing

@testable import Agent

/// A loop device on a file of its own.
private struct Loop: ~Copyable {
  let path: String
  let file: String

  init() throws {
    file = "/tmp/apus-loop-\(getpid())-\(Clock.bootNanoseconds())"
    try #require(
      system("truncate --size=4M \(file) && losetup -f --show \(file) > \(file).dev") == 0)
    let text = try #require(readText("\(file).dev"))
    path = text.split(separator: "\n").joined()
  }

  func read(_ count: Int) throws {
    let done = system("dd if=\(path) of=/dev/null bs=4k count=\(count) iflag=direct 2> /dev/null")
    try #require(done == 0)
  }

  deinit { _ = system("losetup --detach \(path); rm \(file) \(file).dev") }
}

@Suite("series of disks", .enabled(if: isRoot, "needs root"))
struct DiskSeriesTests {
  private let store = MetricStore()

  private func told() -> [(count: UInt64, start: UInt64)] {
    store.snapshot(unixNanoseconds: 1).instruments[0].points.compactMap { point in
      guard point.attributes == ["same"], case .histogram(let value) = point.value else {
        return nil
      }
      return (value.count, point.startUnixNanoseconds)
    }
  }

  @Test("a name that another number has begins anew when the series of the first has ended")
  func renumbered() throws {
    let turn = try ProbeTurn()
    defer { turn.end() }
    let one = try Loop()
    let other = try Loop()
    let numbers = try [one.path, other.path].map { path in
      try #require(BlockDevice(named: path)).number
    }
    let instrument = store.register(
      InstrumentDescriptor(
        name: "latency", unit: "s", help: "h", kind: .histogram, attributeKeys: ["disk"]),
      shape: Instruments.shape)
    var plan = ProbePlan(knobs: ProbeDefaults(selfPID: 0).knobs)
    let cpus = Int(plan.knobs.cpus)
    let replicas = SlotHistograms.replicas(cpus: cpus)
    plan.slots = 64
    plan.knobs.replicas = UInt32(replicas)
    plan.knobs.slot_by = APUS_SLOT_BY_ALL.rawValue
    plan.knobs.parts = 1 << APUS_BLOCK_DEVICE.rawValue
    let shared = try SharedMaps()
    let row = ProbeRow.biolatency
    var object = try ProbeDefaults(selfPID: 0).load(row, plan, shared)
    let histograms = try SlotHistograms(object, slots: 64, replicas: replicas, cpus: cpus)
    try object.attach(optional: row.optionalHooks)
    let naming = HistogramPlan(
      slots: { _ in 64 }, instruments: [],
      series: { key in
        let name = numbers.contains(key.device) ? "same" : "\(key.device)"
        return SlotSeries(histogram: 0, amount: nil, attributes: [name])
      }, untracked: nil)
    let builder = ResourceBuilder(configured: [])
    let sampler = HistogramSampler(
      histograms, naming, store: store, instruments: [instrument],
      workloads: Workloads(builder: builder, agentAttributes: []))
    let table = WorkloadTable(builder: builder)
    func sample(_ time: UInt64) -> Set<SeriesID> {
      sampler.sample(table, SampleTimes(earlier: time - 1, now: time))
      return sampler.endDisks(now: time)
    }

    try one.read(200)
    #expect(sample(10).isEmpty)
    let first = told().map(\.count)
    #expect(first.count == 1 && first[0] >= 200)
    try other.read(5)
    // It is found out, and the first read a last time; then what is new has its place.
    #expect(sample(20).isEmpty && told().map(\.count) == first)
    let ended = sample(30)
    #expect(ended.count == 1 && told().map(\.count) == first)
    for series in ended { store.remove(series) }
    #expect(sample(40).isEmpty)
    let second = told()
    #expect(second.count == 1 && second[0].count >= 5 && second[0].count < 200)
    #expect(second[0].start == 39)
    #expect(sample(50).isEmpty && told().map(\.count) == second.map(\.count))
  }
}
