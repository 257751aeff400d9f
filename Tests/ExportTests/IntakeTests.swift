// SPDX-License-Identifier: Apache-2.0
// Where batches are handed in, and what becomes of those that are left at the end.

import Config
import Glibc
import Metrics
import OTLP
import Platform
import Testing

@testable import Export

private func settings(_ yaml: String, _ environment: [String: String] = [:]) throws -> Settings {
  try Settings.resolve(
    yaml: Array(yaml.utf8), fileName: "a.yaml", environment: { environment[$0] })
}

@Suite("batches on their way to the export thread")
struct IntakeTests {
  @Test("one that finds a full queue is counted as dropped there")
  func full() throws {
    let settings = try settings(
      "export: { endpoint: 'http://127.0.0.1:1' }", ["OTEL_BLRP_MAX_QUEUE_SIZE": "5"])
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
      #expect(Exporter.eventDestinations(try settings("listen: off", environment)) == expected)
    }
  }

  /// Refuses connections until it listens, and then takes them and says nothing.
  private struct LatePort: ~Copyable {
    let descriptor: CInt
    let port: UInt16

    init() throws {
      descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      let descriptor = self.descriptor
      let isBound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
        }
      }
      port = UInt16(bigEndian: address.sin_port)
      try #require(isBound)
    }

    deinit { close(descriptor) }
  }

  @Test("at the end there are five seconds to deliver, and what is left is counted")
  func end() throws {
    let late = try LatePort()
    let settings = try settings("export: { endpoint: 'http://127.0.0.1:\(late.port)' }")
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
    listen(late.descriptor, 8)
    thread.join()
    let milliseconds = (Clock.bootNanoseconds() - began) / 1_000_000
    #expect(milliseconds >= 4_900 && milliseconds < 7_000)
    #expect(ledger.count("exec", "otlp", .shutdown) == 7)
    #expect(statistics.batchesDropped.value == 2)
  }
}
