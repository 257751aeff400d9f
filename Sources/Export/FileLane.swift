// SPDX-License-Identifier: Apache-2.0
// The OTLP file format: one JSON line per batch, to a file or to standard output.

internal import Config
internal import Glibc
internal import Metrics
internal import OTLP
internal import Platform

/// Owned by the export thread; only `queue` and `statistics` are for others.
final class FileLane {
  let queue: BatchQueue
  let statistics = LaneStatistics()
  /// In the ledger.
  private let destination: Int?
  private let path: String
  /// One for all signals, or one for each.
  private let files: [(signal: Signal?, file: OutputFile)]
  private let ledger: Ledger
  private var transcoder = JSONTranscoder()
  /// Of the oldest batch, while it is being written; empty before.
  private var line: [UInt8] = []
  private var written = 0

  /// A line and the batch that it is made of, in one piece: JSON is up to four times as long.
  static func memoryBytes(batchBytes: Int) -> Int { lineByteMax(batchBytes) + batchBytes }

  private static func lineByteMax(_ batchBytes: Int) -> Int { 8 * batchBytes + (1 << 20) }

  /// Appends to the file at `path`, or to standard output for `-`.
  ///
  /// `{signal}` in the path stands for the name of each.
  init(
    path: String, signals: [Signal], rotation: FileRotation, destination: Int?, batchBytes: Int,
    queue: BatchQueue, ledger: Ledger
  ) throws(SystemError) {
    self.path = path
    transcoder.outputByteMax = FileLane.lineByteMax(batchBytes)
    self.destination = destination
    self.queue = queue
    self.ledger = ledger
    files = try FileLane.paths(path, signals).map { signal, path throws(SystemError) in
      (signal, try OutputFile(path, rotation))
    }
  }

  /// The files that `path` stands for: one for all signals, or one for each.
  static func paths(_ path: String, _ signals: [Signal]) -> [(signal: Signal?, path: String)] {
    let parts = split(path)
    guard parts.count > 1, !signals.isEmpty else { return [(nil, path)] }
    return signals.map { ($0, parts.joined(separator: "\($0)")) }
  }

  /// What stands around `{signal}`.
  private static func split(_ path: String) -> [Substring] {
    let mark = Array("{signal}".utf8)
    var parts: [Substring] = []
    var rest = path[...]
    while let place = rest.utf8.indices.first(where: { rest[$0...].utf8.starts(with: mark) }) {
      parts.append(rest[..<place])
      rest = rest[place...].dropFirst(mark.count)
    }
    return parts + [rest]
  }

  private func file(of batch: SealedBatch) -> OutputFile {
    guard let found = files.first(where: { $0.signal == nil || $0.signal == batch.signal }) else {
      preconditionFailure("a batch of a signal that was not announced")
    }
    return found.file
  }

  /// Whether a reader must make room before `step` gets on.
  var isBlocked: Bool { !line.isEmpty }

  /// Writes the oldest batch as far as it can be written without waiting; returns whether there is
  /// another that can be begun.
  func step() -> Bool {
    guard let batch = queue.first() else { return false }
    let file = file(of: batch)
    do {
      if line.isEmpty { try begin(batch, in: file) }
      guard try advance(in: file) else { return false }
      if let destination { ledger.deliver(batch.kinds, destination: destination) }
      statistics.batchesDelivered.add()
    } catch {
      Log.error("cannot write OTLP lines", ["file": path, "error": "\(error)"])
      // Nobody reads any more: what a program is told by SIGPIPE that does not block it. The
      // reader of a named pipe may come back.
      if path == "-", (error as? SystemError)?.code == EPIPE { kill(getpid(), SIGPIPE) }
      file.tearLine(after: written)
      count(.writeFailed, batch)
    }
    end()
    return queue.count > 0
  }

  /// At the end of the agent: what is left is dropped, and counted.
  func abandon() {
    while let batch = queue.first() {
      count(.shutdown, batch)
      end()
    }
  }

  private func begin(_ batch: SealedBatch, in file: OutputFile) throws {
    try file.follow()
    try transcoder.appendLine(of: batch, to: &line)
    try file.makeRoom(for: line.count + 1)
    // A torn line spoils no other.
    if file.isTorn { line.insert(UInt8(ascii: "\n"), at: 0) }
  }

  /// False when the rest of the line must wait.
  private func advance(in file: OutputFile) throws(SystemError) -> Bool {
    while written < line.count {
      let count = try file.write(line[written...])
      if count == 0 { return false }
      written += count
    }
    file.endLine()
    return true
  }

  private func count(_ loss: Loss, _ batch: SealedBatch) {
    if let destination { ledger.drop(loss, batch.kinds, destination: destination) }
    statistics.batchesDropped.add()
  }

  private func end() {
    queue.removeFirst()
    written = 0
    // A rare large batch must not keep its memory for ever.
    if line.capacity > 8 << 20 { line = [] } else { line.removeAll(keepingCapacity: true) }
  }
}
