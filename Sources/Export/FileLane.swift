// SPDX-License-Identifier: Apache-2.0
// The OTLP file format: one JSON line per batch, to a file or to standard output.

internal import Glibc
internal import Metrics
internal import OTLP
internal import Platform

/// Owned by the export thread; only `queue` and `statistics` are for others.
final class FileLane {
  let destination: Int
  let queue: BatchQueue
  let statistics = LaneStatistics()
  private let path: String
  private let file: Descriptor
  private let ledger: Ledger
  private var transcoder = JSONTranscoder()
  private var line: [UInt8] = []
  /// A write failed half way, so that the file ends within a line.
  private var isTorn = false

  /// Appends to `path`; "-" is standard output.
  init(path: String, destination: Int, queue: BatchQueue, ledger: Ledger) throws(SystemError) {
    self.path = path
    self.destination = destination
    self.queue = queue
    self.ledger = ledger
    if path == "-" {
      let copy = dup(STDOUT_FILENO)
      guard copy >= 0 else { throw .current("dup") }
      file = Descriptor(owning: copy)
    } else {
      file = try Descriptor(path: path, flags: O_WRONLY | O_CREAT | O_APPEND, mode: 0o640)
    }
  }

  /// Writes all that waits.
  func step() {
    while let batch = queue.first() {
      write(batch)
      queue.removeFirst()
    }
  }

  private func write(_ batch: SealedBatch) {
    line.removeAll(keepingCapacity: true)
    // Joined to the torn line, this one could not be read either.
    if isTorn { line.append(UInt8(ascii: "\n")) }
    do {
      try transcoder.appendLine(of: batch, to: &line)
      isTorn = true
      try unsafe line.withUnsafeBytes { bytes in try unsafe file.writeAll(bytes) }
      isTorn = false
      ledger.deliver(batch.kinds, destination: destination)
      statistics.batchesDelivered.add()
    } catch {
      Log.error("cannot write OTLP lines", ["file": path, "error": "\(error)"])
      ledger.drop(.writeFailed, batch.kinds, destination: destination)
      statistics.batchesDropped.add()
    }
    // A rare large batch must not keep its memory for ever.
    if line.capacity > 8 << 20 { line = [] }
  }
}
