// SPDX-License-Identifier: Apache-2.0
// Histogram slots on this kernel: their keys, their counts, and the end of a key.

import CApusABI
import Config
import Glibc
import Kernel
import Platform
import Probes
import Testing

/// The runqlat probe by cgroup, attached.
private struct RunqlatFixture: ~Copyable {
  let shared: SharedMaps
  var object: BPFObject
  let histograms: SlotHistograms

  init(_ preference: HookPreference, slots: Int = 256) throws {
    let defaults = ProbeDefaults(selfPID: 0)
    var plan = ProbePlan(knobs: defaults.knobs)
    let cpus = Int(plan.knobs.cpus)
    let replicas = SlotHistograms.replicas(cpus: cpus)
    plan.hooks = preference
    plan.slots = slots
    plan.knobs.slot_by = APUS_SLOT_BY_CGROUP.rawValue
    plan.knobs.replicas = UInt32(replicas)
    let shared = try SharedMaps()
    var object = try defaults.load(.runqlat, plan, shared)
    let histograms = try SlotHistograms(object, slots: slots, replicas: replicas, cpus: cpus)
    try object.attach()
    self.shared = shared
    self.object = object
    self.histograms = histograms
  }

  func slot(of key: UInt64) -> UInt32? {
    var found: UInt32?
    histograms.forEachSlot { if $0.key == key { found = $1.slot } }
    return found
  }

  /// How many waits a slot holds.
  func count(_ slot: UInt32) -> UInt64 {
    var reading = SlotReading()
    histograms.read(Int(slot), into: &reading)
    return reading.counters.reduce(0) { $0 + UInt64($1) }
  }
}

/// Runs `count` short processes inside a cgroup.
private func runProcesses(_ count: Int, in cgroup: borrowing TestCgroup) throws {
  let script =
    "echo $$ > \(cgroup.directory)/cgroup.procs || exit 9; i=0; "
    + "while [ $i -lt \(count) ]; do /bin/true; i=$((i+1)); done"
  #expect(try run("/bin/sh", ["sh", "-c", script]) == 0)
}

extension KernelSuite {
  @Suite(
    "histogram slots", .serialized, .enabled(if: TestCgroup.mount != nil, "needs cgroup2"))
  struct SlotTests {
    @Test(
      "two cgroups have a slot each, whose counts move only with their own waits",
      arguments: [HookPreference.modern, .compatible])
    func twoKeys(preference: HookPreference) throws {
      let first = try TestCgroup()
      let second = try TestCgroup()
      let fixture = try RunqlatFixture(preference)
      try runProcesses(100, in: first)
      try runProcesses(40, in: second)
      let oneSlot = fixture.slot(of: first.key)
      let one = try #require(oneSlot)
      let twoSlot = fixture.slot(of: second.key)
      let two = try #require(twoSlot)
      #expect(one != two && one != 0 && two != 0)
      let (before, other) = (fixture.count(one), fixture.count(two))
      // Each process waits at least once for a CPU.
      #expect(before >= 100 && other >= 40)
      try runProcesses(60, in: first)
      let (after, same) = (fixture.count(one), fixture.count(two))
      #expect(after >= before + 60 && same == other)
      var reading = SlotReading()
      fixture.histograms.read(Int(one), into: &reading)
      let read = reading.extremes
      let extremes = try #require(read)
      let sum = reading.sumNanoseconds
      #expect(extremes.min <= extremes.max && extremes.max <= sum && extremes.max > 0)
    }

    @Test(
      "a retired slot is zero once recycled, and tasks that remember it count elsewhere",
      arguments: [HookPreference.modern, .compatible])
    func retire(preference: HookPreference) throws {
      let cgroup = try TestCgroup()
      let fixture = try RunqlatFixture(preference)
      // The shell lives throughout and remembers its slot.
      let pid = try start(
        "/bin/sh",
        [
          "sh", "-c",
          "echo $$ > \(cgroup.directory)/cgroup.procs; while :; do /bin/sleep 0.001; done",
        ])
      defer {
        kill(pid, SIGKILL)
        _ = try? finish(pid)
      }
      let hasBegun = becomesTrue {
        fixture.slot(of: cgroup.key).map { fixture.count($0) >= 50 } ?? false
      }
      #expect(hasBegun)
      let oldSlot = fixture.slot(of: cgroup.key)
      let old = try #require(oldSlot)
      try fixture.histograms.retire(apus_slot_key(key: cgroup.key, device: 0, what: 0, part: 0))
      let isBack = becomesTrue { fixture.slot(of: cgroup.key) != nil }
      #expect(isBack)
      let newSlot = fixture.slot(of: cgroup.key)
      let new = try #require(newSlot)
      #expect(new != old)
      try fixture.histograms.recycle(old)
      let start = fixture.count(new)
      let goesOn = becomesTrue { fixture.count(new) >= start + 200 }
      #expect(goesOn)
      let left = fixture.count(old)
      #expect(left == 0)
      var reading = SlotReading()
      fixture.histograms.read(Int(old), into: &reading)
      let isEmpty = reading.extremes == nil && reading.sumNanoseconds == 0
      #expect(isEmpty)
    }

    @Test("what finds no slot is counted in the overflow's, and no wait is lost")
    func overflow() throws {
      let cgroup = try TestCgroup()
      let own = Int(APUS_SLOT_OVERFLOWS)
      // One slot besides the overflows'; this machine's own processes take it or share.
      var fixture = try RunqlatFixture(.auto, slots: own + 1)
      try runProcesses(50, in: cgroup)
      fixture.object.detach()
      var cells = LedgerReader(fixture.shared.ledger)
      let isEven = try becomesTrue {
        let cell = try cells.read(kind: APUS_KIND_RUNQUEUE.rawValue)
        let waits = cell.produced - cell.untracked - cell.filtered_self - cell.filtered_scope
        return waits == fixture.count(0) + fixture.count(UInt32(own))
      }
      #expect(isEven)
      let (shared, single) = (fixture.count(0), fixture.count(UInt32(own)))
      #expect(shared + single >= 50 && shared > 0 && single > 0)
    }

    @Test(
      "copies per slot are the next power of two of the CPUs, up to eight",
      arguments: [
        (1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (8, 8), (9, 8), (256, 8),
      ])
    func replicas(cpus: Int, replicas: Int) {
      #expect(SlotHistograms.replicas(cpus: cpus) == replicas)
    }
  }
}
