// SPDX-License-Identifier: Apache-2.0
// Numbers, labels and the end of workloads, with cgroups of this host.

import Glibc
import Identity
import Testing

@testable import Agent

private let second: UInt64 = 1_000_000_000

@Suite("workloads of metrics")
struct WorkloadsTests {
  private let builder = ResourceBuilder(configured: [])

  private func text(_ labels: [UInt8]?) -> String {
    labels.map { String(decoding: $0, as: UTF8.self) } ?? "forgotten"
  }

  @Test("the agent and the others are there from the start, without labels")
  func fixed() {
    let workloads = Workloads(builder: builder, agentAttributes: [("service.name", "apus")])
    #expect(workloads.resource(of: Workloads.agent) != nil)
    #expect(workloads.resource(of: Workloads.other) != nil)
    #expect(workloads.resource(of: 2) == nil)
    #expect(workloads.labels(of: Workloads.agent) == [] && workloads.labels(of: 99) == nil)
  }

  @Test("a cgroup that is not found is told apart by its id, and keeps its number")
  func unknown() {
    let workloads = Workloads(builder: builder, agentAttributes: [])
    let table = WorkloadTable(builder: builder)
    // Bits 60 and 61 together name no hierarchy.
    let keys = [3 << 60 | 7, 3 << 60 | 8] as [UInt64]
    let numbers = keys.map { workloads.number(of: $0, in: table) }
    #expect(numbers == [2, 3])
    #expect(keys.map { workloads.number(of: $0, in: table) } == numbers)
    #expect(text(workloads.labels(of: 2)).contains("=\"\(keys[0])\""))
    #expect(workloads.labels(of: 2) != workloads.labels(of: 3))
    #expect(workloads.remove(keys[0]) == 2)
    #expect(workloads.remove(keys[0]) == nil && workloads.resource(of: 2) == nil)
    // A number is never given twice.
    #expect(workloads.number(of: keys[0], in: table) == 4)
  }

  @Test(
    "a cgroup that lives is named by its path, and still when it is gone",
    .enabled(if: isRoot && unifiedMount != nil, "needs root and cgroup2"))
  func path() throws {
    let cgroup = try TestCgroup()
    let workloads = Workloads(builder: builder, agentAttributes: [])
    let table = WorkloadTable(builder: builder)
    let number = workloads.number(of: cgroup.key, in: table)
    let labels = text(workloads.labels(of: number))
    #expect(labels.contains("=\"/\(cgroup.name)\"") && !labels.contains("apus_cgroup_key"))
    let isRemoved = cgroup.remove()
    #expect(isRemoved)
    #expect(workloads.number(of: cgroup.key, in: table) == number)
    #expect(text(workloads.labels(of: number)) == labels)
  }

  @Test(
    "a cgroup that takes the path of one that is gone ends that one's series, and begins there",
    .enabled(if: isRoot && unifiedMount != nil, "needs root and cgroup2"))
  func successor() throws {
    let times = SampleTimes(earlier: 10, now: 20)
    let cgroup = try TestCgroup()
    let workloads = Workloads(builder: builder, agentAttributes: [])
    let table = WorkloadTable(builder: builder)
    let first = workloads.number(of: cgroup.key, in: table)
    let labels = text(workloads.labels(of: first))
    #expect(workloads.begin(of: first, times) == 10 && workloads.takeReplaced().isEmpty)
    let isRemoved = cgroup.remove()
    #expect(isRemoved)
    let again = try TestCgroup(name: cgroup.name)
    let second = workloads.number(of: again.key, in: table)
    #expect(second != first && workloads.begin(of: second, times) == 20)
    // Until the first is forgotten nobody takes one for the other.
    #expect(text(workloads.labels(of: second)) == labels)
    let told = text(workloads.labels(of: first))
    #expect(told == "apus_cgroup_key=\"\(cgroup.key)\"," + labels)
    #expect(workloads.takeReplaced() == [cgroup.key])
    #expect(workloads.takeReplaced().isEmpty)
    // The first goes, and does not take the second's path away.
    #expect(workloads.remove(cgroup.key) == first)
    #expect(workloads.number(of: again.key, in: table) == second)
    #expect(workloads.takeReplaced().isEmpty)
  }

  @Test(
    "a cgroup is forgotten two minutes after it was first found gone; an unknown one never",
    .enabled(if: isRoot && unifiedMount != nil, "needs root and cgroup2"))
  func gone() throws {
    let cgroup = try TestCgroup()
    let alive = try TestCgroup()
    let unknown = 3 << 60 | 7 as UInt64
    let keys: Set<UInt64> = [cgroup.key, alive.key, unknown]
    let table = WorkloadTable(builder: builder)
    var gone = GoneCgroups()
    #expect(gone.expired(among: keys, in: table, now: 1000 * second).isEmpty)
    let isRemoved = cgroup.remove()
    #expect(isRemoved)
    #expect(gone.expired(among: keys, in: table, now: 1200 * second).isEmpty)
    #expect(gone.expired(among: keys, in: table, now: 1320 * second - 1).isEmpty)
    #expect(gone.expired(among: keys, in: table, now: 1320 * second) == [cgroup.key])
    #expect(gone.expired(among: [alive.key, unknown], in: table, now: 9999 * second).isEmpty)
  }
}
