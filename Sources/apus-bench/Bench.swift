// SPDX-License-Identifier: Apache-2.0
// Nanoseconds per record of the encoding path: apus-bench [records] [rounds].

internal import Glibc
internal import OTLP

@main
enum Bench {
  static func main() {
    let arguments = CommandLine.arguments
    let records = arguments.count > 1 ? Int(arguments[1]) ?? 1_000_000 : 1_000_000
    let rounds = arguments.count > 2 ? Int(arguments[2]) ?? 5 : 5
    let shape = ExecShape()
    for workloads in [1, 64] as [UInt32] {
      var best = UInt64.max
      var bytes = 0
      var batches = 0
      for _ in 0..<rounds {
        let begin = nanoseconds()
        (bytes, batches) = encode(shape, records: records, workloads: workloads)
        best = min(best, nanoseconds() - begin)
      }
      let each = Double(best) / Double(records)
      print(
        "log records: \(workloads) workloads, \(each) ns/record, \(bytes / records) bytes/record,",
        "\(batches) batches")
    }
  }

  private static func encode(
    _ shape: ExecShape, records: Int, workloads: UInt32
  ) -> (bytes: Int, batches: Int) {
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

  private static func nanoseconds() -> UInt64 {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
  }
}
