// SPDX-License-Identifier: Apache-2.0
// The ring thread: waits, drains in bounded turns, seals by age.

internal import Kernel
internal import Platform
internal import Probes

/// Owned by the ring thread.
// Sendable: built by the main thread, handed to the ring thread once, and used by it alone.
final class RingLoop: @unchecked Sendable {
  /// Records per turn: a fast producer must not keep the thread from sealing and from stopping.
  private static let turn = 8192

  /// Boot time of the last turn, for the health page.
  let heartbeat = Heartbeat()
  private var reader: EventReader
  private let wait: RingWait
  private var sink: EventSink
  private let latencyMilliseconds: CInt

  init(
    reader: consuming EventReader, wait: consuming RingWait, sink: consuming EventSink,
    latencyMilliseconds: Int
  ) {
    self.reader = reader
    self.wait = wait
    self.sink = sink
    self.latencyMilliseconds = CInt(clamping: latencyMilliseconds)
  }

  /// Works until `stop` is raised, and then until the ring is empty: production must have ended.
  func run(until stop: StopFlag) {
    while true {
      let isLast = stop.isRaised
      if !isLast { wait.wait(milliseconds: latencyMilliseconds) }
      var count = 0
      repeat {
        sink.beginTurn()
        count = reader.drain(into: &sink, limit: RingLoop.turn)
        sink.endTurn(flush: isLast && count < RingLoop.turn)
        heartbeat.beat()
      } while count == RingLoop.turn
      if isLast { return }
    }
  }
}
