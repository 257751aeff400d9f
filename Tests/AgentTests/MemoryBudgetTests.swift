// SPDX-License-Identifier: Apache-2.0

import Config
import OTLP
import Testing

@testable import Agent

@Suite("the memory budget")
struct MemoryBudgetTests {
  private func defaults() throws -> Settings {
    try Settings.resolve(yaml: nil, fileName: "", environment: { _ in nil })
  }

  /// With three queues: one for each signal, and one for the file.
  private func budget(cpus: Int) throws -> MemoryBudget {
    let yaml = "export: {endpoint: 'http://localhost:4318'}\nfile: {path: /tmp/otlp.json}\n"
    let settings = try Settings.resolve(
      yaml: Array(yaml.utf8), fileName: "a.yaml", environment: { _ in nil })
    return MemoryBudget(settings, cpus: cpus)
  }

  private func bytes(_ owner: String, _ budget: MemoryBudget) -> Int? {
    budget.parts.first { $0.owner == owner }?.bytes
  }

  @Test("on a node with 256 CPUs the parts are what the layouts say, and the sum is below 112 MiB")
  func large() throws {
    let settings = try defaults()
    let budget = try budget(cpus: 256)
    for part in budget.parts { print("budget, 256 CPUs: \(part.owner) \(part.bytes)") }
    print("budget, 256 CPUs: total \(budget.total)")
    let slots = settings.runqlat.cgroupsMax
    #expect(bytes("ring", budget) == settings.buffers.ringBytes)
    // Eight copies of a KiB and 16 bytes per CPU; a key, its slot and its place in the queue.
    #expect(bytes("runqlat maps", budget) == slots * (8 * 1024 + 256 * 16) + slots * (16 + 24 + 4))
    #expect(bytes("execve scratch", budget) == 256 * 2 * (144 + 4096 + 1024 + 2 * 8192))
    #expect(bytes("ledger", budget) == 256 * 7 * 64)
    let arenas = 4 + LogBatchBuilder.recycledMax
    #expect(bytes("open batches", budget) == arenas * (settings.export.batchBytes + 131_072))
    #expect(bytes("export queues", budget) == 3 * settings.export.queueBytes)
    #expect(budget.total == budget.parts.reduce(0) { $0 + $1.bytes })
    #expect(budget.total < 112 << 20)
  }

  @Test("what grows with CPUs grows with CPUs alone")
  func small() throws {
    let (one, two) = (try budget(cpus: 1), try budget(cpus: 2))
    #expect(one.parts.map(\.owner) == two.parts.map(\.owner))
    for owner in ["ring", "runqlat series", "open batches", "export queues"] {
      #expect(bytes(owner, one) == bytes(owner, two))
    }
    for owner in ["execve scratch", "ledger"] {
      #expect(bytes(owner, two) == bytes(owner, one).map { 2 * $0 })
    }
    #expect(Set(one.parts.map(\.owner)).count == one.parts.count)
  }

  @Test("deltas remember the last point of every series, and the budget says so")
  func deltas() throws {
    let names = ["cumulative", "delta", "lowmemory"]
    let budgets = try names.map { name in
      let settings = try Settings.resolve(
        yaml: Array("metrics: { temporality: \(name) }".utf8), fileName: "a",
        environment: { _ in nil })
      return MemoryBudget(settings, cpus: 2)
    }
    #expect(bytes("earlier points", budgets[0]) == nil)
    // Four probes with 256 histograms each and the shared ones, and 2000 series of executions.
    let part = try #require(bytes("earlier points", budgets[1]))
    #expect(part > 4 * 256 * 2176 + 2000 * 128 && part < 4 * 264 * 2400 + 2000 * 128)
    #expect(bytes("earlier points", budgets[2]) == part)
    #expect(budgets[1].total == budgets[0].total + part)
  }
}
