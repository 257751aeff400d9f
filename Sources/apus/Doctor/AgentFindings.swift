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
  if let status = AgentStatus.read() {
    findings.append(healthFinding(status.obstacles))
    findings += status.rows.map { LedgerRow($0) }.filter(\.isOfInterest).map(\.finding)
    return findings + [endpoint(agent)]
  }
  return findings + pageFindings(agent)
}

/// Where others find it, for one who knows the rest already.
private func endpoint(_ agent: RunningAgent) -> Finding {
  guard let address = agent.address else {
    return Finding(.agent, "endpoint", .ok, "off")
  }
  let demands = agent.demands.isEmpty ? "" : ", needs \(agent.demands.joined(separator: " and "))"
  // A client of TLS is what the doctor is not.
  guard !agent.demands.contains("TLS") else {
    return Finding(.agent, "endpoint", .ok, "https://\(address)/metrics\(demands)")
  }
  let url = "http://\(address)/metrics"
  return AgentPage(fetch: "/healthz", from: address) == nil
    ? Finding(
      .agent, "endpoint", .warning, "\(url) does not answer here",
      "ask from the agent's network namespace, or see its log")
    : Finding(.agent, "endpoint", .ok, url + demands)
}

/// VmRSS of a process; nil when it cannot be read.
private func residentKiB(_ pid: String) -> Int? {
  for line in (readText("/proc/\(pid)/status") ?? "").split(separator: "\n")
  where line.hasPrefix("VmRSS:") {
    return Int(line.split(separator: " ").dropLast().last ?? "")
  }
  return nil
}
