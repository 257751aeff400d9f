// SPDX-License-Identifier: Apache-2.0
// `apus doctor`: what this machine allows, what the agent would do here, and why not more.

internal import Agent
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
  } else {
    findings.append(
      Finding(.hooks, "hooks", .warning, "not tried: that takes what is missing above"))
  }
  findings += configuration
  findings += memoryFindings(settings)
  findings += endpointFindings(settings)
  findings += destinationFindings(settings, options.agent)
  findings += agentFindings()
  if options.json {
    for finding in findings { Output.line(finding.json) }
    Output.line(findings.result)
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
  let warnings = reading.warnings.map {
    Finding(.configuration, "environment", .warning, "\($0)", cause: .warning($0))
  }
  if let settings = reading.settings {
    let file = options.configPath ?? "no file"
    let futile = Futility.of(settings).map {
      Finding(.configuration, "use", .warning, $0.what, $0.remedy)
    }
    return (settings, [Finding(.configuration, "configuration", .ok, file)] + warnings + futile)
  }
  var problems: [(String, Finding.Cause?)] =
    reading.problems.errors.map { ("\($0)", .error($0)) }
  if reading.problems.omitted > 0 {
    problems.append(("and \(reading.problems.omitted) more errors", nil))
  }
  let errors = problems.enumerated().map { index, problem in
    let isLast = index == problems.count - 1
    return Finding(
      .configuration, "configuration", .error, problem.0,
      isLast ? "what follows is told of the defaults" : "", cause: problem.1)
  }
  do throws(ConfigError) {
    let settings = try Settings.resolve(yaml: nil, fileName: "", environment: { _ in nil })
    return (settings, errors + warnings)
  } catch {
    // The defaults are ours, and a test loads them.
    throw Failure(code: .configuration, message: "\(error)")
  }
}
