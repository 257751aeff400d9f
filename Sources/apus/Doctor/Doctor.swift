// SPDX-License-Identifier: Apache-2.0
// `apus doctor`: what this machine allows, what the agent would do here, and why not more.

internal import CLI
internal import Config
internal import Glibc
internal import Kernel
internal import Platform

func runDoctor(_ options: DoctorOptions) throws(Failure) {
  Tool.configureLog(verbose: false)
  let (settings, configuration) = try configurationFindings(options.agent)
  var findings = kernelFindings() + privilegeFindings()
  if Capabilities.missingForTracing().isEmpty, Features.hasBTF {
    findings += hookFindings(settings)
  }
  findings += configuration
  findings += memoryFindings(settings)
  findings += destinationFindings(settings)
  findings += agentFindings()
  if options.json {
    for finding in findings { Output.line(finding.json) }
  } else {
    Output.text(findings.text(Tool.terminal))
  }
  Output.flush()
  let code = findings.exitCode
  guard code != .ok else { return }
  let count = findings.count { $0.state == .error }
  throw Failure(code: code, message: "\(count) error\(count == 1 ? "" : "s"); see above")
}

/// What the agent would be configured with; where that is wrong, the rest is told of the defaults.
private func configurationFindings(
  _ options: AgentOptions
) throws(Failure) -> (Settings, [Finding]) {
  let reading = read(options)
  let warnings = reading.warnings.map { Finding(.configuration, "environment", .warning, "\($0)") }
  if let settings = reading.settings {
    let file = options.configPath ?? "no file"
    return (settings, [Finding(.configuration, "configuration", .ok, file)] + warnings)
  }
  var problems = reading.problems.errors.map { "\($0)" }
  if reading.problems.omitted > 0 {
    problems.append("and \(reading.problems.omitted) more errors")
  }
  let errors = problems.enumerated().map { index, problem in
    let isLast = index == problems.count - 1
    return Finding(
      .configuration, "configuration", .error, problem,
      isLast ? "what follows is told of the defaults" : "")
  }
  do throws(ConfigError) {
    let settings = try Settings.resolve(yaml: nil, fileName: "", environment: { _ in nil })
    return (settings, errors + warnings)
  } catch {
    // The defaults are ours, and a test loads them.
    throw Failure(code: .configuration, message: "\(error)")
  }
}
