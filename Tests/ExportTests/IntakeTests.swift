// SPDX-License-Identifier: Apache-2.0
// Where batches are handed in, and what becomes of those that are left at the end.

import Config
import Glibc
import Metrics
import OTLP
import Platform
import Ports
import Testing

@testable import Export

@Suite("batches on their way to the export thread")
struct IntakeTests {
  @Test("one that finds a full queue is counted as dropped there")
  func full() throws {
    let settings = try settings(
      "export: { endpoint: 'http://127.0.0.1:1' }",
      environment: ["OTEL_BLRP_MAX_QUEUE_SIZE": "5"])
    let ledger = makeLedger(Exporter.eventDestinations(settings))
    let intake = try Exporter(settings, version: "1", ledger: ledger).intake
    for count in [3, 4, 2] { intake.publish(batch(count)) }
    #expect(ledger.count("exec", "otlp", .queueFull) == 4)
    let logs = try #require(intake.statistics().first { $0.signals == [.logs] })
    #expect(logs.statistics.batchesDropped.value == 1)
  }

  @Test("events are accounted for where they go, and nowhere else")
  func destinations() throws {
    let all = ["OTEL_LOGS_EXPORTER", "OTEL_METRICS_EXPORTER"]
    for (console, expected) in [(all, ["file"]), ([all[0]], ["file"]), ([all[1]], [])] {
      let environment = Dictionary(uniqueKeysWithValues: console.map { ($0, "console") })
      #expect(
        Exporter.eventDestinations(try settings("listen: off", environment: environment))
          == expected)
    }
  }

  @Test("at the end there are five seconds to deliver, and what is left is counted")
  func end() throws {
    let late = LoopbackPort(isListening: false)
    let settings = try settings("export: { endpoint: 'http://127.0.0.1:\(late.number)' }")
    let ledger = makeLedger(Exporter.eventDestinations(settings))
    let exporter = try Exporter(settings, version: "1", ledger: ledger)
    let statistics = try #require(
      exporter.intake.statistics().first { $0.signals == [.logs] }
    ).statistics
    for count in [3, 4] { exporter.intake.publish(batch(count)) }
    let stop = StopFlag()
    stop.raise()
    let began = Clock.bootNanoseconds()
    let thread = try Thread("export") { exporter.run(until: stop) }
    usleep(3_000_000)
    // Each half second; with the pauses of a longer life it would be four at most.
    #expect(statistics.retries.value >= 5)
    // An attempt that hangs is not waited for as long as the thread sleeps otherwise.
    late.listen()
    thread.join()
    let milliseconds = (Clock.bootNanoseconds() - began) / 1_000_000
    #expect(milliseconds >= 4_900 && milliseconds < 7_000)
    #expect(ledger.count("exec", "otlp", .shutdown) == 7)
    #expect(statistics.batchesDropped.value == 2)
  }
}
