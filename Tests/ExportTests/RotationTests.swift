// SPDX-License-Identifier: Apache-2.0
// Files of OTLP lines that are renamed before they become too large, and lines that are not torn.

import Config
import Glibc
import Metrics
import OTLP
import Platform
import Testing

@testable import Export

/// A directory that is gone after the test.
private final class Directory {
  let path = "/tmp/apus-rotation-\(getpid())-\(Clock.bootNanoseconds())"

  init() throws { try #require(mkdir(path, 0o700) == 0) }

  deinit { _ = system("rm -r '\(path)'") }

  func size(_ name: String) -> Int? {
    var status = stat()
    return stat("\(path)/\(name)", &status) == 0 ? Int(status.st_size) : nil
  }
}

@Suite("rotation of the OTLP file")
struct RotationTests {
  private let ledger = makeLedger(["file"])
  private let queue = BatchQueue(byteLimit: 1 << 24)

  private func lane(_ path: String, max: Int, files: Int = 3) throws -> FileLane {
    try FileLane(
      path: path, signals: [.logs, .metrics],
      rotation: FileRotation(bytesMax: max, filesMax: files), destination: 0,
      batchBytes: 1 << 20, queue: queue, ledger: ledger)
  }

  private func write(_ lane: FileLane, _ batches: SealedBatch...) {
    for batch in batches { #expect(queue.offer(batch)) }
    while lane.step() {}
  }

  private func lines(_ path: String) throws -> [[UInt8]] {
    let text = try readFile(path, limit: 1 << 24)
    #expect(text.isEmpty || text.last == 10)
    return text.split(separator: 10, omittingEmptySubsequences: false).dropLast().map(Array.init)
  }

  @Test("every line is whole in one file or is gone with the oldest, and no file is too large")
  func rotates() throws {
    let directory = try Directory()
    let path = directory.path + "/out.jsonl"
    let lane = try lane(path, max: 4000, files: 2)
    // Each of about 300 bytes and with a count of its own.
    for number in 1...40 { write(lane, batch(1, bytes: 200 + number)) }
    var kept: [Int] = []
    for name in ["out.jsonl.2", "out.jsonl.1", "out.jsonl"] {
      #expect(directory.size(name) ?? .max <= 4000)
      kept += try lines("\(directory.path)/\(name)").map(\.count)
    }
    #expect(directory.size("out.jsonl.3") == nil)
    // The youngest, in order and without a gap.
    let last = try #require(kept.last)
    #expect(kept == Array(last - kept.count + 1...last) && kept.count > 20)
    #expect(lane.statistics.batchesDelivered.value == 40)
  }

  @Test("lines longer than a file have one each, and the sum holds")
  func longLines() throws {
    let directory = try Directory()
    let path = directory.path + "/out.jsonl"
    let lane = try lane(path, max: 65_536, files: 3)
    for _ in 0..<6 {
      write(lane, batch(1, bytes: 100_000))
      #expect(try lines(path).count == 1)
      let total = ["", ".1", ".2", ".3"].compactMap { directory.size("out.jsonl\($0)") }
        .reduce(0, +)
      #expect(total <= 65_536 * 4 + 100_300)
    }
    #expect(directory.size("out.jsonl.2") == nil && directory.size("out.jsonl.1") != nil)
  }

  @Test("a link is not renamed: it may be /dev/stdout")
  func link() throws {
    let directory = try Directory()
    let path = directory.path + "/link"
    try #require(symlink("target", path) == 0)
    let lane = try lane(path, max: 1000)
    for _ in 0..<10 { write(lane, batch(1, bytes: 300)) }
    #expect(try lines(path).count == 10 && directory.size("link.1") == nil)
  }

  @Test("what cannot be renamed is counted as lost, and the file stays as large as it may be")
  func unmovable() throws {
    let directory = try Directory()
    let path = directory.path + "/out.jsonl"
    // A directory that is not empty cannot be replaced.
    try #require(mkdir(path + ".1", 0o700) == 0 && mkdir(path + ".1/x", 0o700) == 0)
    let lane = try lane(path, max: 1000, files: 1)
    for _ in 0..<5 { write(lane, batch(1, bytes: 300)) }
    #expect(directory.size("out.jsonl") ?? .max <= 1000)
    #expect(ledger.count("exec", "file", .writeFailed) == 3)
    #expect(ledger.row("exec", "file")?.delivered == 2)
  }

  @Test("a line that an agent left without its end spoils no other")
  func crashed() throws {
    let directory = try Directory()
    let path = directory.path + "/out.jsonl"
    #expect(system("printf '{\"torn' > \(path)") == 0)
    write(try lane(path, max: 1 << 20), batch(1), batch(2))
    let found = try lines(path)
    #expect(found.count == 3 && found[0] == Array("{\"torn".utf8))
    #expect(found.dropFirst().allSatisfy { $0.first == UInt8(ascii: "{") })
  }

  @Test(
    "on a full disk the line is taken back, so that the next is whole once there is room",
    .enabled(if: getuid() == 0, "needs to mount"))
  func fullDisk() throws {
    let directory = try Directory()
    try #require(mount("tmpfs", directory.path, "tmpfs", 0, "size=64k") == 0)
    defer { umount2(directory.path, Int32(MNT_DETACH)) }
    let path = directory.path + "/out.jsonl"
    let lane = try lane(path, max: 1 << 20)
    write(lane, batch(1, bytes: 30_000), batch(4, bytes: 30_000), batch(2, bytes: 30_000))
    #expect(try lines(path).count == 1)
    #expect(ledger.count("exec", "file", .writeFailed) == 6)
    #expect(ledger.row("exec", "file")?.delivered == 1)
    #expect(truncate(path, 0) == 0)
    write(lane, batch(1, bytes: 40_000))
    let found = try lines(path)
    #expect(found.count == 1 && found[0].first == UInt8(ascii: "{"))
    #expect(ledger.row("exec", "file")?.delivered == 2)
  }

  @Test("with {signal} in its name there is a file for each")
  func signals() throws {
    let directory = try Directory()
    let lane = try lane(directory.path + "/a-{signal}.jsonl", max: 1 << 20)
    let store = MetricStore()
    let load = store.register(
      InstrumentDescriptor(name: "load", unit: "1", help: "h", kind: .gauge))
    let series = store.series(load, workload: 0, startUnixNanoseconds: 1)
    store.set(gauge: 1, of: try #require(series))
    var builder = MetricBatchBuilder(
      pool: ArenaPool(arenaSize: 4096, idleMax: 1), scope: Scope(name: "s", version: "1"))
    _ = builder.encode(
      store.snapshot(unixNanoseconds: 2), resource: { _ in EncodedResource(message: []) },
      emit: { write(lane, batch(1), $0) })
    #expect(try lines(directory.path + "/a-logs.jsonl")[0].starts(with: #"{"resourceLogs"#.utf8))
    #expect(
      try lines(directory.path + "/a-metrics.jsonl")[0].starts(with: #"{"resourceMetrics"#.utf8))
  }
}
