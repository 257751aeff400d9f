// SPDX-License-Identifier: Apache-2.0
// Whether each collector can be reached, and what stands in the way; an empty request asks it.

internal import Agent
internal import CLI
internal import Config
internal import Export

func destinationFindings(_ settings: Settings, _ options: AgentOptions) -> [Finding] {
  let files = OutputFileCheck.run(settings).map(fileFinding)
  let checks = DestinationCheck.run(settings, version: version)
  if checks.isEmpty { return [nothingSent(settings, options)] + files }
  return checks.map { check in
    let state: Finding.State =
      check.fault.map { $0.isWarning ? .warning : .error } ?? .ok
    let way = check.proxy.map { " via proxy \($0)" } ?? ""
    return Finding(
      .destinations, check.signal, state, "\(check.url)\(way): \(check.result)",
      check.fault.map(remedy) ?? "")
  } + files
}

private func nothingSent(_ settings: Settings, _ options: AgentOptions) -> Finding {
  // What is told of the defaults is no news of an agent that somebody else has configured.
  if options.configPath == nil, let agent = RunningAgent.find() {
    return Finding(
      .destinations, "otlp", .ok,
      "none with these options; the running agent (pid \(agent.pid)) may have others",
      "apus doctor --config /etc/apus/apus.yaml looks at those of its file; for the variables of "
        + "its unit: systemd-run --pipe --property=EnvironmentFile=-/etc/apus/environment apus "
        + "doctor --config /etc/apus/apus.yaml")
  }
  let isWritten = !Exporter.destinations(settings).isEmpty
  return Finding(
    .destinations, "otlp", .ok,
    isWritten
      ? "none: nothing is sent, but written to \(settings.otlpFile ?? "-")"
      : "none: nothing is sent",
    isWritten ? "" : "set export.endpoint or OTEL_EXPORTER_OTLP_ENDPOINT to send")
}

private func fileFinding(_ check: OutputFileCheck) -> Finding {
  guard let fault = check.fault else {
    return Finding(.destinations, "file", .ok, "\(check.path): can be written")
  }
  return Finding(
    .destinations, "file", .error, "\(check.path): \(fault)",
    "name a file in a directory that is there, and that this user may write to "
      + "(file.path or --otlp-file)")
}
