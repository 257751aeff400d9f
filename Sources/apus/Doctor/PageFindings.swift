// SPDX-License-Identifier: Apache-2.0
// What the pages of a running agent tell one to whom it does not tell its status: that is for root.

internal import Agent
internal import Glibc

func pageFindings(_ agent: RunningAgent) -> [Finding] {
  let remedy = geteuid() == 0 ? "see its log" : "run the doctor as root"
  guard let address = agent.address else {
    return [Finding(.agent, "ledger", .warning, "not served", remedy)]
  }
  let unread = Finding(
    .agent, "ledger", .ok,
    "not read: \(address)/metrics needs \(agent.demands.joined(separator: " and "))", remedy)
  // Neither a client of TLS nor a secret that it does not know is the doctor's.
  guard !agent.demands.contains("TLS") else { return [unread] }
  guard let page = AgentPage(fetch: "/readyz", from: address) else {
    return [
      Finding(.agent, "health", .error, "http://\(address)/readyz does not answer", "see its log")
    ]
  }
  let health = healthFinding(page.status == 200 ? [] : page.lines.map(String.init))
  return [health] + (agent.demands.isEmpty ? ledgerFindings(address) : [unread])
}

private func ledgerFindings(_ address: String) -> [Finding] {
  let page = AgentPage(fetch: "/metrics", from: address, keeping: LedgerPage.prefix)
  guard let page, page.status == 200, let ledger = LedgerPage(page) else {
    let what = page.map { "answers \($0.status)" } ?? "does not answer"
    return [
      Finding(.agent, "ledger", .warning, "http://\(address)/metrics \(what)", "see its log")
    ]
  }
  return ledger.rows.map(\.finding)
}

/// Whether it does its work, or what keeps it from that.
func healthFinding(_ obstacles: [String]) -> Finding {
  obstacles.isEmpty
    ? Finding(.agent, "health", .ok, "ready")
    : Finding(.agent, "health", .error, obstacles.joined(separator: "; "), "see its log")
}
