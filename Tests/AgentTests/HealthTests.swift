// SPDX-License-Identifier: Apache-2.0

import Platform
import Testing

@testable import Agent

private let second: UInt64 = 1_000_000_000

@Suite("the health of the agent")
struct HealthTests {
  private let health = Health([
    WatchedThread(name: "quick", heartbeat: Heartbeat(at: 100 * second), waitMilliseconds: 0),
    WatchedThread(name: "patient", heartbeat: Heartbeat(at: 100 * second), waitMilliseconds: 5000),
  ])

  @Test("a thread that has not moved for longer than it may wait is named")
  func stopped() {
    #expect(health.complaints(at: 110 * second) == [])
    #expect(health.complaints(at: 112 * second) == ["thread quick has not moved for 12 s"])
    #expect(
      health.complaints(at: 116 * second) == [
        "thread quick has not moved for 16 s", "thread patient has not moved for 16 s",
      ])
  }

  @Test("a thread that moves again is well")
  func again() {
    let heartbeat = Heartbeat(at: 0)
    let now = Clock.bootNanoseconds()
    let health = Health([WatchedThread(name: "x", heartbeat: heartbeat, waitMilliseconds: 0)])
    #expect(health.complaints(at: now + 60 * second).count == 1)
    heartbeat.beat()
    #expect(health.complaints(at: now + second) == [])
  }

  @Test("an agent whose programs are not attached is alive, and not ready")
  func ready() {
    let health = Health([])
    #expect(health.complaints() == [] && health.obstacles() == ["programs are not attached"])
    health.setReady(true)
    #expect(health.obstacles() == [])
  }
}
