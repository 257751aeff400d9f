// SPDX-License-Identifier: Apache-2.0
// `apus doctor`: what this kernel and this process allow, which hooks are taken, and why.

internal import Agent
internal import CApusABI
internal import CLI
internal import Config
internal import Glibc
internal import Identity
internal import Kernel
internal import Platform
internal import Probes

/// One finding.
private struct Finding {
  enum State: String {
    case ok, warning, error
  }

  let name: String
  let state: State
  let value: String
  /// What to do about it; empty when there is nothing to do.
  let remedy: String

  init(_ name: String, _ state: State, _ value: String, _ remedy: String = "") {
    self.name = name
    self.state = state
    self.value = value
    self.remedy = remedy
  }
}

func runDoctor(_ options: DoctorOptions) throws(Failure) {
  Tool.configureLog(verbose: false)
  var findings = environmentFindings()
  if Capabilities.missingForTracing().isEmpty, Features.hasBTF {
    for row in probeRows { findings += hookFindings(row) }
  }
  findings += agentFindings()
  if options.json {
    for finding in findings { Output.line(json(finding)) }
  } else {
    show(findings)
  }
  Output.flush()
  if findings.contains(where: { $0.state == .error }) {
    throw Failure(code: .unavailable, message: "something that Apus needs is missing; see above")
  }
}

private func environmentFindings() -> [Finding] {
  var findings = [Finding("kernel", .ok, Features.release)]
  findings.append(
    Features.hasBTF
      ? Finding("btf", .ok, "/sys/kernel/btf/vmlinux")
      : Finding(
        "btf", .error, "missing", "use a kernel with CONFIG_DEBUG_INFO_BTF; nothing loads without"))
  switch Features.lockdown {
  case nil:
    findings.append(
      Finding(
        "lockdown", .warning, "unknown",
        "mount securityfs to see it: mount -t securityfs none /sys/kernel/security"))
  case "none": findings.append(Finding("lockdown", .ok, "none"))
  case "confidentiality":
    findings.append(
      Finding(
        "lockdown", .error, "confidentiality", "boot with lockdown=integrity or without lockdown"))
  case let mode?:
    findings.append(Finding("lockdown", .ok, "\(mode); no kprobes, which are not needed"))
  }
  let missing = Capabilities.missingForTracing()
  findings.append(
    missing.isEmpty
      ? Finding(
        "capabilities", .ok,
        Capabilities.all().filter(\.isPresent).map(\.name).joined(separator: ","))
      : Finding(
        "capabilities", .error, "missing \(missing.joined(separator: ","))", "run it as root"))
  let hasTracefs = unsafe access("/sys/kernel/tracing/events/syscalls", R_OK) == 0
  findings.append(
    hasTracefs
      ? Finding("tracefs", .ok, "/sys/kernel/tracing")
      : Finding(
        "tracefs", .warning, "not mounted or not readable",
        "failed execs, accepts and connects that fail at once are not seen; "
          + "mount -t tracefs tracefs /sys/kernel/tracing"))
  findings.append(
    EventBuffer.hasRing
      ? Finding("buffer", .ok, "ring") : Finding("buffer", .ok, "perf buffers; no ring here"))
  findings.append(Finding("cpus", .ok, "\(Features.possibleCPUs) possible"))
  return findings
}

/// Loads and attaches the probe for a moment, as the agent would, and tells what was taken.
private func hookFindings(_ row: ProbeRow) -> [Finding] {
  let defaults = ProbeDefaults(selfPID: OwnProcess.initialID() ?? 0)
  var plan = ProbePlan(knobs: defaults.knobs)
  plan.knobs.failed = 1
  plan.slots = 16
  do throws(KernelError) {
    let shared = try SharedMaps()
    var object = try defaults.load(row, plan, shared)
    try CgroupPaths.withRoot { root throws(KernelError) in
      try object.attach(optional: row.optionalHooks, cgroup: root)
    }
    return object.reports.map { report in
      let name = "\(row.name)/\(report.program)"
      if let failure = report.failure {
        return Finding(name, .warning, "\(report.hook) not taken: \(failure)")
      }
      return Finding(name, .ok, "\(report.hook), \(object.variant.rawValue) build")
    }
  } catch {
    return [Finding("\(row.name)", .error, "\(error)", "see: apus agent --log-level debug")]
  }
}

/// The ledger of a running agent, from its /metrics.
private func agentFindings() -> [Finding] {
  guard let agent = RunningAgent.find() else { return [Finding("agent", .ok, "not running")] }
  let running = Finding("agent", .ok, "running with pid \(agent.pid)")
  guard let address = agent.address else {
    return [running, Finding("ledger", .warning, "not served", "run the agent with --listen")]
  }
  guard agent.demands.isEmpty else {
    let demands = agent.demands.joined(separator: " and ")
    return [
      running,
      Finding(
        "ledger", .ok, "not read: \(address)/metrics needs \(demands)", "scrape it with that"),
    ]
  }
  guard let ledger = LedgerPage(fetchedFrom: address) else {
    return [
      running,
      Finding("ledger", .warning, "http://\(address)/metrics does not answer", "see its log"),
    ]
  }
  return [running]
    + ledger.rows.map { row in
      Finding(
        "ledger", row.lost == 0 ? .ok : .warning,
        "\(row.event) to \(row.destination): \(row.produced) produced, \(row.delivered) delivered, "
          + "\(row.filtered) filtered, \(row.lost) lost\(row.reasons), \(row.pending) on the way",
        row.lost == 0 ? "" : "raise buffers.ring or export.queue, or look at the collector")
    }
}

private func show(_ findings: [Finding]) {
  let terminal = Terminal(descriptor: STDOUT_FILENO, environment: environment)
  let width = (findings.map(\.name.count).max() ?? 0) + 2
  for finding in findings {
    let style: Terminal.Style =
      switch finding.state {
      case .ok: .green
      case .warning: .yellow
      case .error: .red
      }
    let state = terminal.styled(left(finding.state.rawValue, 8), style)
    Output.line("\(state) \(left(finding.name, width))\(finding.value)")
    if !finding.remedy.isEmpty { Output.line(spaces(width + 9) + "-> \(finding.remedy)") }
  }
}

private func json(_ finding: Finding) -> String {
  var object = JSONLine()
  object.add("name", finding.name)
  object.add("state", finding.state.rawValue)
  object.add("value", finding.value)
  object.add("remedy", finding.remedy)
  return object.finished()
}
