// SPDX-License-Identifier: Apache-2.0
// The OTLP file format: one JSON line per batch, to a file or to standard output.

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
  private var file: OutputFile
  private let ledger: Ledger
  private var transcoder = JSONTranscoder()
  /// Of the oldest batch, while it is being written; empty before.
  private var line: [UInt8] = []
  private var written = 0
  /// The file ends within a line, whose rest could not be written.
  private var isTorn = false

  /// Appends to `path`; "-" is standard output.
  init(path: String, destination: Int?, queue: BatchQueue, ledger: Ledger) throws(SystemError) {
    self.path = path
    self.destination = destination
    self.queue = queue
    self.ledger = ledger
    file = try OutputFile(path)
  }

  /// Whether a reader must make room before `step` gets on.
  var isBlocked: Bool { !line.isEmpty }

  /// Writes what waits, as far as it can be written without waiting.
  func step() {
    while let batch = queue.first() {
      do {
        if line.isEmpty { try begin(batch) }
        guard try advance() else { return }
        if let destination { ledger.deliver(batch.kinds, destination: destination) }
        statistics.batchesDelivered.add()
      } catch {
        Log.error("cannot write OTLP lines", ["file": path, "error": "\(error)"])
        isTorn = isTorn || written > 0
        count(.writeFailed, batch)
      }
      end()
    }
  }

  /// At the end of the agent: what is left is dropped, and counted.
  func abandon() {
    while let batch = queue.first() {
      count(.shutdown, batch)
      end()
    }
  }

  private func begin(_ batch: SealedBatch) throws {
    // What log rotation has moved away nobody would read; a torn line spoils no other.
    if try file.follow(path) { isTorn = false }
    if isTorn { line.append(UInt8(ascii: "\n")) }
    try transcoder.appendLine(of: batch, to: &line)
  }

  /// False when the rest of the line must wait.
  private func advance() throws(SystemError) -> Bool {
    while written < line.count {
      let count = try unsafe line.withUnsafeBufferPointer { bytes throws(SystemError) in
        try unsafe file.descriptor.writeAvailable(
          UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[written...])))
      }
      if count == 0 { return false }
      written += count
    }
    isTorn = false
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

/// A file that is appended to, which is never waited for.
private struct OutputFile: ~Copyable {
  private(set) var descriptor: Descriptor
  private var identity: Identity

  private struct Identity: Equatable {
    var device: dev_t
    var inode: ino_t
  }

  init(_ path: String) throws(SystemError) {
    let descriptor = try OutputFile.open(path)
    identity = try OutputFile.identity(of: descriptor)
    self.descriptor = descriptor
  }

  /// Opens `path` anew when another file, or none, has its name by now; true if it did.
  mutating func follow(_ path: String) throws(SystemError) -> Bool {
    guard path != "-" else { return false }
    var status = stat()
    if unsafe stat(path, &status) == 0,
      Identity(device: status.st_dev, inode: status.st_ino) == identity
    {
      return false
    }
    self = try OutputFile(path)
    return true
  }

  private static func open(_ path: String) throws(SystemError) -> Descriptor {
    let flags = O_WRONLY | O_APPEND | O_NONBLOCK
    guard path == "-" else {
      return try Descriptor(path: path, flags: flags | O_CREAT, mode: 0o640)
    }
    var status = stat()
    guard unsafe fstat(STDOUT_FILENO, &status) == 0 else { throw .current("fstat") }
    // O_NONBLOCK is of the open file, which others share, so a pipe or terminal is opened again.
    if [S_IFIFO, S_IFCHR].contains(status.st_mode & S_IFMT),
      let own = try? Descriptor(path: "/proc/self/fd/\(STDOUT_FILENO)", flags: flags)
    {
      return own
    }
    let copy = dup(STDOUT_FILENO)
    guard copy >= 0 else { throw .current("dup") }
    return Descriptor(owning: copy)
  }

  private static func identity(of file: borrowing Descriptor) throws(SystemError) -> Identity {
    var status = stat()
    guard unsafe fstat(file.raw, &status) == 0 else { throw .current("fstat") }
    return Identity(device: status.st_dev, inode: status.st_ino)
  }
}
