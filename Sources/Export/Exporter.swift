// SPDX-License-Identifier: Apache-2.0
// The export thread: takes sealed batches to every destination that wants them.

package import Config
internal import Metrics
package import OTLP
package import Platform
package import Transport

/// Where other threads hand batches in.
///
/// Any thread may use it.
package final class Intake: Sendable {
  fileprivate struct Entry: Sendable {
    let name: String
    let signals: [OTLP.Signal]
    /// In the ledger; nil when no events go there.
    let destination: Int?
    let queue: BatchQueue
    let statistics: LaneStatistics
  }

  private let entries: [Entry]
  private let ledger: Ledger
  private let wake: @Sendable () -> Void

  fileprivate init(entries: [Entry], ledger: Ledger, wake: @escaping @Sendable () -> Void) {
    self.entries = entries
    self.ledger = ledger
    self.wake = wake
  }

  /// Whether anything takes this signal.
  package func takes(_ signal: OTLP.Signal) -> Bool {
    entries.contains { $0.signals.contains(signal) }
  }

  /// Gives a batch to each destination of its signal; a full queue refuses it, which is counted.
  package func publish(_ batch: SealedBatch) {
    for entry in entries where entry.signals.contains(batch.signal) {
      guard !entry.queue.offer(batch) else { continue }
      if let destination = entry.destination {
        ledger.drop(.queueFull, batch.kinds, destination: destination)
      }
      entry.statistics.batchesDropped.add()
      Log.warn(
        "queue full, batch dropped",
        [
          "destination": entry.name,
          "records": "\(batch.recordCount)", "queue_bytes": "\(entry.queue.byteCount)",
        ])
    }
    wake()
  }

  /// What waits, by destination and signal.
  package func backlog() -> [(destination: String, signals: [OTLP.Signal], bytes: Int)] {
    entries.map { ($0.name, $0.signals, $0.queue.byteCount) }
  }

  package func statistics() -> [(
    destination: String, signals: [OTLP.Signal], statistics: LaneStatistics
  )] {
    entries.map { ($0.name, $0.signals, $0.statistics) }
  }
}

/// Owned by the export thread, which is started with `run`.
// Sendable: built by the main thread, handed to the export thread once, and used by it alone.
package final class Exporter: @unchecked Sendable {
  /// How long the last batches may take once the agent is asked to stop.
  private static let flushNanoseconds: UInt64 = 5_000_000_000

  /// How long the thread waits at most before it beats again, whatever it waits for.
  package static let waitMaxMilliseconds = 5_000

  package let intake: Intake
  package let heartbeat = Heartbeat()
  private let waitMaxMilliseconds: Int
  private let lanes: [Lane]
  private let file: FileLane?
  private let transfers: Transfers?
  private let event: Event

  /// The names of the destinations that `settings` asks for.
  package static func destinations(_ settings: Settings) -> [String] {
    (asked(settings).isEmpty ? [] : ["otlp"]) + (fileSignals(settings).isEmpty ? [] : ["file"])
  }

  /// Those that events go to, in the order that the ledger must have them.
  package static func eventDestinations(_ settings: Settings) -> [String] {
    (settings.export.logs.destination == nil ? [] : ["otlp"])
      + (fileSignals(settings).contains(.logs) ? ["file"] : [])
  }

  /// How many queues there are, each with the configured bound.
  package static func queueCount(_ settings: Settings) -> Int {
    asked(settings).count + (fileSignals(settings).isEmpty ? 0 : 1)
  }

  /// What is made of batches on their way, by owner, beside the queues.
  package static func memory(_ settings: Settings) -> [(owner: String, bytes: Int)] {
    [
      ("export bodies", BodyForm.memoryBytes(settings.export)),
      ("export answers", asked(settings).count * Transport.Limits.responseByteCount),
      (
        "export file",
        fileSignals(settings).isEmpty
          ? 0 : FileLane.memoryBytes(batchBytes: settings.export.batchBytes)
      ),
    ]
  }

  /// Each signal that goes somewhere over OTLP.
  static func asked(_ settings: Settings) -> [(Transport.Signal, Config.Destination)] {
    let all: [(Transport.Signal, Config.Destination?)] = [
      (.logs, settings.export.logs.destination), (.metrics, settings.export.metrics.destination),
    ]
    return all.compactMap { signal, destination in destination.map { (signal, $0) } }
  }

  /// What goes to a file: all to one that is named; `console` is the same on standard output, for
  /// the signals that say so.
  static func fileSignals(_ settings: Settings) -> [OTLP.Signal] {
    if settings.otlpFile != nil { return [.logs, .metrics] }
    return (settings.export.logs.console ? [.logs] : [])
      + (settings.export.metrics.console ? [.metrics] : [])
  }

  package init(
    _ settings: Settings, version: String, ledger: Ledger,
    waitMaxMilliseconds: Int = Exporter.waitMaxMilliseconds
  ) throws(ExportError) {
    self.waitMaxMilliseconds = waitMaxMilliseconds
    let event: Event
    do throws(SystemError) { event = try Event() } catch { throw .system(error) }
    self.event = event
    let encoder = BodyEncoder()
    var lanes: [Lane] = []
    var entries: [Intake.Entry] = []
    let eventDestinations = Exporter.eventDestinations(settings)
    for (signal, destination) in Exporter.asked(settings) {
      let index = signal == .logs ? eventDestinations.firstIndex(of: "otlp") : nil
      let lane = Lane(
        name: destination.name, destination: index,
        client: try Exporter.client(destination, signal, version),
        form: BodyForm(destination, settings.export), encoder: encoder,
        queue: BatchQueue(settings), ledger: ledger, retry: RetryPolicy(settings.limits, signal))
      lanes.append(lane)
      entries.append(
        Intake.Entry(
          name: "otlp", signals: [signal == .logs ? .logs : .metrics], destination: index,
          queue: lane.queue,
          statistics: lane.statistics))
    }
    self.lanes = lanes
    let fileSignals = Exporter.fileSignals(settings)
    if !fileSignals.isEmpty {
      let path = settings.otlpFile ?? "-"
      let index = eventDestinations.firstIndex(of: "file")
      let queue = BatchQueue(settings)
      do throws(SystemError) {
        let lane = try FileLane(
          path: path, signals: fileSignals, rotation: settings.fileRotation, destination: index,
          batchBytes: settings.export.batchBytes, queue: queue, ledger: ledger)
        file = lane
        entries.append(
          Intake.Entry(
            name: "file", signals: fileSignals, destination: index, queue: queue,
            statistics: lane.statistics))
      } catch {
        throw .file(path: path, error)
      }
    } else {
      file = nil
    }
    do throws(TransportError) { transfers = lanes.isEmpty ? nil : try Transfers() } catch {
      throw .transport(error)
    }
    let waker = transfers?.waker
    intake = Intake(entries: entries, ledger: ledger) {
      if let waker { waker.wake() } else { event.raise() }
    }
  }

  /// Works until `stop` is raised and nothing is left, or the time for the rest is over.
  package func run(until stop: StopFlag) {
    var deadline: UInt64?
    while true {
      heartbeat.beat()
      let now = Clock.bootNanoseconds()
      if stop.isRaised, deadline == nil {
        deadline = now + Exporter.flushNanoseconds
        for lane in lanes { lane.hurry() }
      }
      let hasMore = file?.step() ?? false
      if let transfers {
        for (token, lane) in lanes.enumerated() {
          lane.step(transfers, token: UInt64(token), now: now)
        }
      }
      if let deadline, isIdle || now >= deadline { break }
      wait(milliseconds: hasMore ? 0 : waitMilliseconds(stopping: deadline != nil))
    }
    file?.abandon()
    for (token, lane) in lanes.enumerated() {
      if lane.isInFlight { transfers?.cancel(token: UInt64(token)) }
      lane.abandon()
    }
  }

  /// Ends the wait in progress: there is a batch, or the flag was raised.
  package var wake: @Sendable () -> Void {
    let waker = transfers?.waker
    let event = self.event
    return { if let waker { waker.wake() } else { event.raise() } }
  }

  private var isIdle: Bool {
    lanes.allSatisfy { $0.queue.count == 0 } && (file?.queue.count ?? 0) == 0
  }

  private func waitMilliseconds(stopping: Bool) -> Int {
    // What makes room in a pipe wakes nobody here.
    stopping || file?.isBlocked == true ? 50 : waitMaxMilliseconds
  }

  private func wait(milliseconds limit: Int) {
    let now = Clock.bootNanoseconds()
    let delay = lanes.compactMap { $0.delay(now: now) }.min() ?? limit
    guard let transfers else { return event.wait(milliseconds: limit) }
    do throws(TransportError) {
      try transfers.wait(milliseconds: min(delay, limit)) { completion in
        let now = Clock.bootNanoseconds()
        let seconds = Int64(Clock.shared.unixNanoseconds(boot: now) / 1_000_000_000)
        lanes[Int(completion.token)].complete(completion, now: now, unixSeconds: seconds)
      }
    } catch {
      Log.error("transfers failed", ["error": "\(error)"])
      event.wait(milliseconds: 100)
    }
  }
}

/// Why exporting cannot begin.
package enum ExportError: Error, CustomStringConvertible {
  case file(path: String, SystemError)
  case transport(TransportError)
  case system(SystemError)

  package var description: String {
    switch self {
    case .file(let path, let error): "cannot write to \(path): \(error)"
    case .transport(let error): "\(error)"
    case .system(let error): "\(error)"
    }
  }
}
