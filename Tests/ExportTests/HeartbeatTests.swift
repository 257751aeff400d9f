// SPDX-License-Identifier: Apache-2.0
// The export thread shows that it moves, whatever it waits for.

import Config
import Glibc
import Metrics
import OTLP
import Platform
import Ports
import Testing

@testable import Export

/// Takes what was sent, so that the exporter need not try again at its end.
private func answer(_ port: borrowing LoopbackPort) {
  let connection = accept(port.descriptor, nil, nil)
  var limit = timeval(tv_sec: 5, tv_usec: 0)
  setsockopt(
    connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  // What is left unread would take the answer back.
  var room = [UInt8](repeating: 0, count: 65_536)
  read(connection, &room, room.count)
  let text = Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".utf8)
  send(connection, text, text.count, Int32(MSG_NOSIGNAL))
  close(connection)
}

@Suite("the heartbeat of the export thread")
struct HeartbeatTests {
  private func exporter(_ yaml: String) throws -> Exporter {
    let settings = try settings(yaml)
    let destinations = Exporter.eventDestinations(settings)
    return try Exporter(
      settings, version: "1", ledger: makeLedger(destinations), waitMaxMilliseconds: 50)
  }

  /// How often it beats in a second, as far as one sees who looks every ten milliseconds.
  private func beats(_ exporter: Exporter, atEnd: () -> Void = {}) throws -> Int {
    let stop = StopFlag()
    let thread = try Thread("export") { exporter.run(until: stop) }
    var seen = 0
    var age = exporter.heartbeat.ageNanoseconds()
    for _ in 0..<100 {
      usleep(10_000)
      let next = exporter.heartbeat.ageNanoseconds()
      if next < age { seen += 1 }
      age = next
    }
    stop.raise()
    exporter.wake()
    atEnd()
    thread.join()
    return seen
  }

  @Test("without a destination it beats at every wait's end")
  func idle() throws {
    #expect(try beats(try exporter("listen: off")) >= 5)
  }

  @Test("while a collector says nothing it beats as often")
  func silent() throws {
    let silent = LoopbackPort()
    let exporter = try exporter("export: { endpoint: 'http://127.0.0.1:\(silent.number)' }")
    exporter.intake.publish(batch(3))
    #expect(try beats(exporter) { answer(silent) } >= 5)
    #expect(exporter.intake.statistics()[0].statistics.batchesDelivered.value == 1)
  }
}
