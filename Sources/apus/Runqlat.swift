// SPDX-License-Identifier: Apache-2.0
// `apus runqlat`: how long tasks wait for a CPU, as bcc's tool draws it.

internal import CApusABI
internal import CLI
internal import Probes

func runRunqlat(_ options: RunqlatOptions) throws(Failure) {
  Tool.configureLog(verbose: options.verbose)
  try Tool.requirePrivilege()
  let cgroup = try Tool.cgroupKey(ofPath: options.cgroup)
  let grouping = options.grouping
  let tool = HistogramTool(
    row: .runqlat, report: options.report, intervalSeconds: options.intervalSeconds,
    intervals: options.count, json: options.json,
    keysMax: grouping == .all ? nil : HistogramTool.keysMax
  ) { key, comm in
    switch grouping {
    case .all: .everything
    case .processes: .process(key.key, comm: comm)
    case .threads: .thread(key.key, comm: comm)
    case .pidNamespaces: .pidNamespace(key.key, comm: comm)
    }
  }
  try tool.run(tracing: RunqlatOptions.tracing) { plan in
    plan.knobs.pid = UInt32(bitPattern: options.pid ?? 0)
    plan.knobs.cgroup_key = cgroup
    plan.knobs.slot_by =
      switch grouping {
      case .all: APUS_SLOT_BY_NOTHING.rawValue
      case .processes: APUS_SLOT_BY_PROCESS.rawValue
      case .threads: APUS_SLOT_BY_THREAD.rawValue
      case .pidNamespaces: APUS_SLOT_BY_PID_NAMESPACE.rawValue
      }
  }
}
