// SPDX-License-Identifier: Apache-2.0
// What several threads of the agent share; every part guards itself.

internal import Export
internal import Identity
internal import Metrics
internal import OTLP
internal import Probes

struct SharedParts: Sendable {
  let ledger: Ledger
  let executions: ExecutionCounts
  let intake: Intake
  let store: MetricStore
  let instruments: Instruments
  let workloads: Workloads
  let resources: ResourceBuilder
  let pool: ArenaPool
  let budget: MemoryBudget
  let startUnixNanoseconds: UInt64
}
