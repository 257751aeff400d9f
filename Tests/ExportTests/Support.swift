// SPDX-License-Identifier: Apache-2.0
// Batches and ledgers of known sizes, and settings.

import Config
import OTLP

@testable import Export

/// A log batch with `first` records of kind 1 and `second` of kind 2, each with `bytes` of body.
func batch(_ first: Int, _ second: Int = 0, bytes: Int = 10) -> SealedBatch {
  var builder = LogBatchBuilder(
    pool: ArenaPool(arenaSize: 1 << 20, idleMax: 1), scopes: [Scope(name: "s", version: "1")])
  for number in 0..<first + second {
    let begun = builder.beginRecord(workload: 0, kind: number < first ? 1 : 2)
    precondition(begun, "the batch has room")
    builder.writer.string(String(repeating: "x", count: bytes), field: 12)
    let outcome = builder.endRecord()
    precondition(outcome == .appended, "the arena has room")
  }
  guard let batch = builder.seal({ _ in EncodedResource(message: []) }) else {
    preconditionFailure("an empty batch cannot be sealed")
  }
  return batch
}

/// Of one file and these variables alone.
func settings(
  _ yaml: String? = nil, environment: [String: String] = [:]
) throws -> Settings {
  try Settings.resolve(
    yaml: yaml.map { Array($0.utf8) }, fileName: "a.yaml", environment: { environment[$0] })
}

func makeLedger(_ destinations: [String] = ["a", "b"]) -> Ledger {
  Ledger(kinds: ["unknown", "exec", "exit", ""], destinations: destinations)
}

extension Ledger {
  func row(_ kind: String, _ destination: String) -> Row? {
    rows().first { $0.kind == kind && $0.destination == destination }
  }

  func count(_ kind: String, _ destination: String, _ loss: Loss) -> UInt64? {
    row(kind, destination)?.dropped.first { $0.loss == loss }?.count
  }
}
