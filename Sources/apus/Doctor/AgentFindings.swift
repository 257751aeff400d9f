// SPDX-License-Identifier: Apache-2.0
// A running agent: whether it is well, what it takes, and what became of its events.

internal import Agent
internal import Platform

func agentFindings() -> [Finding] {
  guard let agent = RunningAgent.find() else {
    return [Finding(.agent, "agent", .ok, "not running")]
  }
  var findings = [Finding(.agent, "agent", .ok, "running with pid \(agent.pid)")]
  if let resident = residentKiB(agent.pid) {
    findings.append(Finding(.agent, "memory", .ok, "\(resident) KiB resident"))
  }
  guard let address = agent.address else {
    return findings + [
      Finding(.agent, "ledger", .warning, "not served", "run the agent with --listen")
    ]
  }
  // Neither a client of TLS nor a secret that it does not know is the doctor's.
  if !agent.demands.contains("TLS") { findings.append(health(address)) }
  guard agent.demands.isEmpty else {
    let demands = agent.demands.joined(separator: " and ")
    return findings + [
      Finding(
        .agent, "ledger", .ok, "not read: \(address)/metrics needs \(demands)",
        "scrape it with that")
    ]
  }
  let page = AgentPage(fetch: "/metrics", from: address, keeping: LedgerPage.prefix)
  guard let page, page.status == 200, let ledger = LedgerPage(page) else {
    let what = page.map { "answers \($0.status)" } ?? "does not answer"
    return findings + [
      Finding(.agent, "ledger", .warning, "http://\(address)/metrics \(what)", "see its log")
    ]
  }
  return findings + ledger.rows.map(finding)
}

private func health(_ address: String) -> Finding {
  guard let page = AgentPage(fetch: "/readyz", from: address) else {
    return Finding(
      .agent, "health", .error, "http://\(address)/readyz does not answer", "see its log")
  }
  let words = page.lines.joined(separator: "; ")
  return page.status == 200
    ? Finding(.agent, "health", .ok, words)
    : Finding(.agent, "health", .error, words, "see its log")
}

private func finding(_ row: LedgerPage.Row) -> Finding {
  Finding(
    .agent, "ledger", row.lost == 0 ? .ok : .warning,
    "\(row.event) to \(row.destination): \(row.produced) produced, \(row.delivered) delivered, "
      + "\(row.filtered) filtered, \(row.lost) lost\(row.reasons), \(row.pending) on the way",
    lossRemedies(row.losses))
}

/// VmRSS of a process; nil when it cannot be read.
private func residentKiB(_ pid: String) -> Int? {
  for line in (readText("/proc/\(pid)/status") ?? "").split(separator: "\n")
  where line.hasPrefix("VmRSS:") {
    return Int(line.split(separator: " ").dropLast().last ?? "")
  }
  return nil
}
