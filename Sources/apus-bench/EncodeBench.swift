// SPDX-License-Identifier: Apache-2.0
// Nanoseconds per record of the encoder alone, without a ring and without the kernel.

internal import OTLP

struct EncodeBench {
  private let records: Int
  private let rounds: Int

  init(_ arguments: [String]) throws(BenchError) {
    let numbers = arguments.compactMap { Int($0) }
    guard numbers.count == arguments.count, numbers.allSatisfy({ $0 > 0 }) else {
      throw .usage("\(arguments.joined(separator: " ")): neither a mode nor numbers")
    }
    records = numbers.first ?? 1_000_000
    rounds = numbers.dropFirst().first ?? 5
  }

  func run() {
    let shape = ExecShape()
    for workloads in [1, 64] as [UInt32] {
      var best = UInt64.max
      var bytes = 0
      var batches = 0
      for _ in 0..<rounds {
        let begin = threadNanoseconds()
        (bytes, batches) = encode(shape, workloads: workloads)
        best = min(best, threadNanoseconds() - begin)
      }
      let each = Double(best) / Double(records)
      print(
        "log records: \(workloads) workloads, \(each) ns/record, \(bytes / records) bytes/record,",
        "\(batches) batches")
    }
  }

  private func encode(_ shape: ExecShape, workloads: UInt32) -> (bytes: Int, batches: Int) {
    let pool = ArenaPool(arenaSize: 1 << 20, idleMax: 4)
    let resource = EncodedResource(message: [UInt8](repeating: 0, count: 300))
    var builder = LogBatchBuilder(pool: pool, scopes: [Scope(name: "apus", version: "1")])
    var bytes = 0
    var batches = 0
    var sequence: UInt64 = 0
    while sequence < UInt64(records) {
      if builder.beginRecord(
        workload: UInt32(truncatingIfNeeded: sequence) & (workloads - 1), kind: 1)
      {
        shape.encode(into: &builder.writer, sequence: sequence)
        if case .appended = builder.endRecord() {
          sequence += 1
          continue
        }
      }
      bytes += builder.seal { _ in resource }?.byteCount ?? 0
      batches += 1
    }
    bytes += builder.seal { _ in resource }?.byteCount ?? 0
    return (bytes, batches + 1)
  }
}
