// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Agent

@Suite("cgroups that are gone")
struct DeparturesTests {
  @Test("one that is gone is due after the patience, and not before")
  func patience() {
    var departures = Departures(patienceNanoseconds: 100)
    #expect(departures.due([1, 2], now: 10) { $0 == 1 }.isEmpty)
    #expect(departures.due([1, 2], now: 109) { $0 == 1 }.isEmpty)
    #expect(departures.due([1, 2], now: 110) { $0 == 1 } == [1])
  }

  @Test("one that was only missed for a moment begins anew")
  func comesBack() {
    var departures = Departures(patienceNanoseconds: 100)
    #expect(departures.due([1], now: 0) { _ in true }.isEmpty)
    #expect(departures.due([1], now: 50) { _ in false }.isEmpty)
    #expect(departures.due([1], now: 120) { _ in true }.isEmpty)
    #expect(departures.due([1], now: 220) { _ in true } == [1])
  }

  @Test("what is no longer asked about is forgotten")
  func forgets() {
    var departures = Departures(patienceNanoseconds: 100)
    _ = departures.due([1], now: 0) { _ in true }
    _ = departures.due([], now: 1) { _ in true }
    #expect(departures.due([1], now: 200) { _ in true }.isEmpty)
  }
}
