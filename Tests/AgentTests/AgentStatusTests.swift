// SPDX-License-Identifier: Apache-2.0

import Export
import Metrics
import OTLP
import Platform
import Serve
import Testing

@testable import Agent

@Suite("what the agent tells root of itself")
struct AgentStatusTests {
  private func ledger() -> Ledger {
    let ledger = Ledger(kinds: ["unknown", "exec", ""], destinations: ["otlp", "file"])
    var counts = KernelCounts()
    (counts.produced, counts.filteredSelf, counts.ringFull) = (23, 4, 5)
    ledger.record(kernel: counts, kind: 1)
    return ledger
  }

  @Test("what is written is what is read")
  func roundTrip() throws {
    let status = AgentStatus(
      Health([
        WatchedThread(name: "export", heartbeat: Heartbeat(at: 0), waitMilliseconds: 10_000)
      ]), ledger())
    #expect(status.obstacles.count == 2 && status.rows.count == 4)
    let row = try #require(status.rows.first { $0.event == "exec" && $0.destination == "file" })
    #expect(row.produced == 23 && row.delivered == 0)
    #expect(
      row.dropped.map { "\($0.hop) \($0.reason) \($0.count)" } == ["filter self 4", "ring full 5"])
    #expect(AgentStatus(status.text) == status)
  }

  @Test("what was cut off, or is none of ours, is not taken for less")
  func cut() throws {
    let text = AgentStatus(Health([]), ledger()).text
    for count in 0..<text.count - 1 { #expect(AgentStatus(String(text.prefix(count))) == nil) }
    for wrong in ["", "end", "dropped\tring\tfull\t1\nend\n", "event\ta\tb\t1\tx\nend\n"] {
      #expect((AgentStatus(wrong) == nil) == (wrong != "end"))
    }
  }

  @Test("a line of a later version is passed over")
  func later() throws {
    let status = try #require(AgentStatus("uptime\t5\nevent\ta\tb\t3\t2\nevent\t1\nend\n"))
    #expect(status.rows.map(\.event) == ["a"])
  }
}
