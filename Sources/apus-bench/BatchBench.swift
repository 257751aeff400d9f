// SPDX-License-Identifier: Apache-2.0
// One batch of records, written to a file for other encoders to make again, and what it costs here.

internal import Glibc
internal import Identity
internal import OTLP
internal import Platform

struct BatchBench {
  private let records: Int
  private let rounds: Int
  private let path: String

  init(_ arguments: ArraySlice<String>) throws(BenchError) {
    let words = Array(arguments)
    guard words.count == 3, let records = Int(words[0]), (1...4096).contains(records),
      let rounds = Int(words[1]), rounds > 0
    else { throw .usage("batch takes up to 4096 RECORDS, ROUNDS and a PATH") }
    self.records = records
    self.rounds = rounds
    path = words[2]
  }

  func run() throws(BenchError) {
    let shape = ExecShape()
    let pool = ArenaPool(arenaSize: records * 2048, idleMax: 4)
    let resource = ResourceBuilder.encode([
      ("host.name", "node-1"), ("container.id", "0f3c9a528b1e4c559f7a2f6f0d1f8a11"),
      ("process.linux.cgroup", "/kubepods.slice/kubepods-burstable.slice/pod3f"),
    ])
    var builder = LogBatchBuilder(pool: pool, scopes: [Scope(name: "apus", version: "1")])
    var values: [Double] = []
    var last: SealedBatch?
    for _ in 0..<rounds {
      last = nil
      let begin = threadNanoseconds()
      for sequence in 0..<UInt64(records) {
        guard builder.beginRecord(workload: 2, kind: 1) else { throw .usage("too many RECORDS") }
        shape.encode(into: &builder.writer, sequence: sequence)
        guard case .appended = builder.endRecord() else { throw .usage("too many RECORDS") }
      }
      last = builder.seal { _ in resource }
      values.append(Double(threadNanoseconds() - begin) / Double(records))
    }
    guard let last else { return }
    do throws(SystemError) { try write(last) } catch { throw .system(error) }
    print(
      "{\"mode\":\"batch\",\"records\":\(records),\"bytes\":\(last.byteCount),"
        + "\"ns_per_record\":\(tenths(median(values)))}")
  }

  private func write(_ batch: SealedBatch) throws(SystemError) {
    var body = [UInt8](repeating: 0, count: batch.byteCount)
    let copied = unsafe body.withUnsafeMutableBytes { unsafe batch.copy(from: 0, into: $0) }
    precondition(copied == body.count, "the whole body")
    let file = try Descriptor(path: path, flags: O_WRONLY | O_CREAT | O_TRUNC)
    try unsafe body.withUnsafeBufferPointer { bytes throws(SystemError) in
      try unsafe file.writeAll(UnsafeRawBufferPointer(bytes))
    }
  }
}
