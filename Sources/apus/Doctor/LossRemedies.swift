// SPDX-License-Identifier: Apache-2.0
// What to do about what a ledger has lost.

internal import Export

/// What helps against each loss, once.
func lossRemedies(_ losses: [(hop: String, reason: String)]) -> String {
  var remedies: [String] = []
  for (hop, reason) in losses {
    guard let loss = Loss.allCases.first(where: { $0.hop == hop && $0.reason == reason }) else {
      continue
    }
    let remedy = "\(hop) \(reason): \(loss.remedy)"
    if !remedies.contains(remedy) { remedies.append(remedy) }
  }
  return remedies.joined(separator: "; ")
}
