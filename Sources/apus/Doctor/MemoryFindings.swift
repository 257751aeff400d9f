// SPDX-License-Identifier: Apache-2.0
// What an agent of this configuration may take at most, by owner.

internal import Agent
internal import Config
internal import Kernel

func memoryFindings(_ settings: Settings) -> [Finding] {
  let budget = MemoryBudget(settings, cpus: Features.possibleCPUs)
  return budget.parts.map { Finding(.memory, $0.owner, .ok, size($0.bytes)) } + [
    Finding(
      .memory, "total", .ok, "\(size(budget.total)) at most, besides the program itself")
  ]
}

private func size(_ bytes: Int) -> String {
  if bytes >= 10 << 20 { return "\(bytes >> 20) MiB" }
  return bytes >= 10 << 10 ? "\(bytes >> 10) KiB" : "\(bytes) B"
}
