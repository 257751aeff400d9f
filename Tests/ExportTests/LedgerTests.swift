// SPDX-License-Identifier: Apache-2.0

import OTLP
import Platform
import Testing

@testable import Export

@Suite("the loss ledger")
struct LedgerTests {
  private func counts(_ exec: UInt32, _ exit: UInt32) -> KindCounts {
    var counts = KindCounts(repeating: 0)
    (counts[1], counts[2]) = (exec, exit)
    return counts
  }

  @Test("every kind and destination has a row, and a kind without a name has none")
  func rows() {
    let rows = makeLedger().rows()
    #expect(rows.map(\.kind) == ["unknown", "unknown", "exec", "exec", "exit", "exit"])
    #expect(rows.map(\.destination) == ["a", "b", "a", "b", "a", "b"])
    #expect(rows.allSatisfy { $0.pending == 0 && $0.dropped.count == Loss.allCases.count })
  }

  @Test("each loss is told by a place and a reason of its own")
  func losses() {
    let names = Loss.allCases.map { "\($0.hop)/\($0.reason)" }
    #expect(Set(names).count == names.count && names.count == 14)
    #expect(Loss.allCases.map(\.rawValue) == Array(0..<14))
    #expect(
      Set(Loss.allCases.map(\.hop)) == ["filter", "probe", "ring", "decode", "queue", "export"])
  }

  @Test("what the kernel dropped is dropped for every destination, and read anew each time")
  func kernel() {
    let ledger = makeLedger()
    for factor in [1, 2] as [UInt64] {
      var kernel = KernelCounts()
      kernel.produced = 100 * factor
      kernel.filteredSelf = 3 * factor
      kernel.filteredScope = 5 * factor
      kernel.ringFull = 7 * factor
      kernel.untracked = 11 * factor
      ledger.record(kernel: kernel, kind: 1)
    }
    for destination in ["a", "b"] {
      #expect(ledger.row("exec", destination)?.pending == 148)
      #expect(ledger.count("exec", destination, .filteredSelf) == 6)
      #expect(ledger.count("exec", destination, .filteredScope) == 10)
      #expect(ledger.count("exec", destination, .ringFull) == 14)
      #expect(ledger.count("exec", destination, .untracked) == 22)
    }
    #expect(ledger.row("exit", "a")?.produced == 0)
  }

  @Test("a destination's losses and deliveries are its own")
  func destinations() {
    let ledger = makeLedger()
    var kernel = KernelCounts()
    kernel.produced = 20
    for kind in [1, 2] { ledger.record(kernel: kernel, kind: kind) }
    ledger.drop(.truncated, kind: 1)
    ledger.drop(.tooLarge, kind: 1, count: 2)
    ledger.deliver(counts(10, 20), destination: 0)
    ledger.drop(.queueFull, counts(17, 19), destination: 1)
    #expect(ledger.row("exec", "a")?.delivered == 10 && ledger.row("exec", "a")?.pending == 7)
    #expect(ledger.row("exit", "a")?.pending == 0)
    #expect(ledger.row("exec", "b")?.pending == 0 && ledger.row("exit", "b")?.pending == 1)
    #expect(ledger.count("exec", "a", .queueFull) == 0)
    #expect(ledger.count("exec", "b", .truncated) == 1)
    #expect(ledger.count("exec", "b", .tooLarge) == 2)
  }

  @Test(
    "a rejected part is charged to kinds in their order, and never more than there was",
    arguments: [
      (0, 0, 0, 5, 7), (3, 3, 0, 2, 7), (5, 5, 0, 0, 7), (6, 5, 1, 0, 6), (12, 5, 7, 0, 0),
      (13, 5, 7, 0, 0), (.max, 5, 7, 0, 0),
    ] as [(UInt64, UInt64, UInt64, UInt64, UInt64)])
  func partial(
    rejected: UInt64, firstLost: UInt64, secondLost: UInt64, first: UInt64, second: UInt64
  ) {
    let ledger = makeLedger()
    ledger.deliver(counts(5, 7), rejected: rejected, destination: 0)
    #expect(ledger.count("exec", "a", .rejected) == firstLost)
    #expect(ledger.count("exit", "a", .rejected) == secondLost)
    #expect(ledger.row("exec", "a")?.delivered == first)
    #expect(ledger.row("exit", "a")?.delivered == second)
  }

  @Test("four threads that hammer it lose no count, and no reader sees more out than in")
  func threads() throws {
    let ledger = makeLedger()
    let rounds = 5000
    var kernel = KernelCounts()
    kernel.produced = UInt64(4 * rounds * 12)
    kernel.ringFull = UInt64(4 * rounds)
    for kind in [1, 2] { ledger.record(kernel: kernel, kind: kind) }
    let counts = counts(5, 5)
    let first = try Thread("ledger-1") { LedgerTests.hammer(ledger, counts, rounds) }
    let second = try Thread("ledger-2") { LedgerTests.hammer(ledger, counts, rounds) }
    let third = try Thread("ledger-3") { LedgerTests.hammer(ledger, counts, rounds) }
    let fourth = try Thread("ledger-4") { LedgerTests.hammer(ledger, counts, rounds) }
    var uneven = 0
    for _ in 0..<1000 {
      for row in ledger.rows() where row.destination == "a" && row.pending < 0 { uneven += 1 }
    }
    first.join()
    second.join()
    third.join()
    fourth.join()
    #expect(uneven == 0)
    for kind in ["exec", "exit"] { #expect(ledger.row(kind, "a")?.pending == 0) }
    let rejected = ledger.count("exec", "a", .rejected)
    #expect(rejected == UInt64(4 * rounds * 3))
    #expect(ledger.row("exit", "a")?.delivered == UInt64(4 * rounds * 5))
    #expect(ledger.count("exec", "a", .truncated) == UInt64(4 * rounds))
  }

  private static func hammer(_ ledger: Ledger, _ counts: KindCounts, _ rounds: Int) {
    for _ in 0..<rounds {
      ledger.deliver(counts, rejected: 3, destination: 0)
      ledger.drop(.queueFull, counts, destination: 0)
      ledger.drop(.truncated, kind: 1)
      ledger.drop(.tooLarge, kind: 2)
    }
  }
}
