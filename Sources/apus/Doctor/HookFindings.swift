// SPDX-License-Identifier: Apache-2.0
// Which hook each program takes here, and why; found by attaching each for a moment.

internal import Config
internal import Identity
internal import Kernel
internal import Platform
internal import Probes

/// Loads and attaches each probe that the agent would, one after the other.
func hookFindings(_ settings: Settings) -> [Finding] {
  let defaults = ProbeDefaults(selfPID: OwnProcess.initialID() ?? 0)
  var findings: [Finding] = []
  for row in probeRows {
    guard row.isWanted(settings) else {
      findings.append(Finding(.hooks, "\(row.name)", .ok, "not enabled in the configuration"))
      continue
    }
    findings += hookFindings(row, settings, defaults)
  }
  return findings
}

private func hookFindings(
  _ row: ProbeRow, _ settings: Settings, _ defaults: ProbeDefaults
) -> [Finding] {
  var plan = defaults.plan(row, settings)
  // Nothing is counted: as few slots as a configuration may have.
  if row.histograms != nil { plan.slots = 16 }
  do throws(KernelError) {
    let shared = try SharedMaps(
      bufferBytes: 64 << 10, isPerf: settings.buffers.preference.isPerf, socketsMax: 1)
    var object = try defaults.load(row, plan, shared)
    try CgroupPaths.withRoot { root throws(KernelError) in
      try object.attach(optional: row.optionalHooks, cgroup: root)
    }
    let build = Finding(
      .hooks, "\(row.name)", .ok, "\(object.variant.rawValue) build, \(object.choice)")
    return [build] + object.reports.map { finding($0, row) }
  } catch {
    return [
      Finding(
        .hooks, "\(row.name)", .error, "\(error)",
        "apus agent --log-level debug says more; \(row.name).enabled: false does without")
    ]
  }
}

private func finding(_ report: HookReport, _ row: ProbeRow) -> Finding {
  let name = "\(row.name)/\(report.program)"
  guard let failure = report.failure else { return Finding(.hooks, name, .ok, report.hook) }
  return Finding(
    .hooks, name, .warning, "\(report.hook) not taken: \(failure)", remedy(for: report.hook))
}

/// What a hook that is not taken would have told, and how to get it.
private func remedy(for hook: String) -> String {
  if hook.hasPrefix("tracepoint/syscalls/") {
    return "what this call reports is not seen; it needs tracefs and CONFIG_FTRACE_SYSCALLS"
  }
  if hook.hasPrefix("cgroup/") {
    return "\(lostWithoutCgroupHooks); it needs CAP_NET_ADMIN and the host's cgroup v2"
  }
  if hook.hasPrefix("raw_tp") || hook.hasPrefix("iter/") {
    return "a newer kernel has it"
  }
  return "what only this hook tells is not seen; a newer kernel has it"
}
