// SPDX-License-Identifier: Apache-2.0
// OTLP lines in files: whole, in order, and counted when they cannot be written.

import Config
import Glibc
import Metrics
import OTLP
import Platform
import Synchronization
import Testing

@testable import Export

private func line(of batch: SealedBatch) throws -> [UInt8] {
  var line: [UInt8] = []
  var transcoder = JSONTranscoder()
  try transcoder.appendLine(of: batch, to: &line)
  return line
}

@Suite("the OTLP file")
struct FileLaneTests {
  private let path = "/tmp/apus-lane-\(getpid())-\(Clock.bootNanoseconds())"
  private let ledger = makeLedger(["file"])
  private let queue = BatchQueue(byteLimit: 1 << 22)

  private func lane(
    _ path: String, _ rotation: FileRotation = FileRotation(bytesMax: 100 << 20, filesMax: 3)
  ) throws -> FileLane {
    try FileLane(
      path: path, signals: [.logs, .metrics], rotation: rotation, destination: 0,
      batchBytes: 1 << 20, queue: queue, ledger: ledger)
  }

  @Test("each batch is the transcoder's line, behind what the file held before")
  func lines() throws {
    defer { unlink(path) }
    var expected: [UInt8] = []
    for counts in [[3, 1], [50]] {
      // Opened anew: it must append.
      let lane = try lane(path)
      for count in counts {
        let batch = batch(count)
        expected += try line(of: batch)
        #expect(queue.offer(batch))
      }
      while lane.step() {}
      #expect(lane.statistics.batchesDelivered.value == UInt64(counts.count))
    }
    #expect(try readFile(path) == expected)
    #expect(ledger.row("exec", "file")?.delivered == 54 && queue.count == 0)
  }

  @Test("others may not read a file that is made") func mode() throws {
    defer { unlink(path) }
    _ = try lane(path)
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o007 == 0)
  }

  @Test("a full disk loses the batch and not the count")
  func full() throws {
    let lane = try lane("/dev/full")
    for count in [3, 4] { #expect(queue.offer(batch(count, 2))) }
    while lane.step() {}
    #expect(ledger.count("exec", "file", .writeFailed) == 7)
    #expect(ledger.count("exit", "file", .writeFailed) == 4)
    #expect(ledger.row("exec", "file")?.delivered == 0)
    #expect(lane.statistics.batchesDropped.value == 2 && queue.count == 0)
  }

  @Test("a file that cannot be opened is an error at the start")
  func unopened() {
    #expect(throws: SystemError("open", code: ENOENT)) { try lane("/nonexistent/file") }
    #expect(throws: SystemError("open", code: EISDIR)) { try lane("/tmp") }
  }

  @Test("a line behind one that was torn can be read")
  func torn() throws {
    _ = Signals(blocking: [])
    try #require(mkfifo(path, 0o600) == 0)
    defer { unlink(path) }
    let large = batch(1, bytes: 500_000)
    let small = batch(1)
    var received: [UInt8] = []
    do {
      let reader = try Descriptor(path: path, flags: O_RDONLY | O_NONBLOCK)
      let lane = try lane(path)
      #expect(queue.offer(large))
      // As much as the pipe holds; the reader goes away in the middle of the line.
      while lane.step() {}
      #expect(queue.count == 1)
      _ = consume reader
      while lane.step() {}
      #expect(ledger.count("exec", "file", .writeFailed) == 1 && queue.count == 0)
      let again = try Descriptor(path: path, flags: O_RDONLY | O_NONBLOCK)
      #expect(queue.offer(small))
      // What was torn still lies in the pipe, and makes room first.
      var room = [UInt8](repeating: 0, count: 1 << 16)
      while let count = try? room.withUnsafeMutableBytes({ try again.read(into: $0) }), count > 0 {
        received += room[..<count]
      }
      while lane.step() {}
      while let count = try? room.withUnsafeMutableBytes({ try again.read(into: $0) }), count > 0 {
        received += room[..<count]
      }
    }
    let lines = received.split(separator: 10, omittingEmptySubsequences: false)
    let last = try line(of: small)
    #expect(lines.count >= 2 && lines.dropLast().last.map { Array($0) + [10] } == last)
    #expect(ledger.row("exec", "file")?.delivered == 1)
  }
}
