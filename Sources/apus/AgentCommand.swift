// SPDX-License-Identifier: Apache-2.0
// `apus agent`, and the commands that look at its configuration.

internal import Agent
internal import CLI
internal import Config
internal import Export
internal import Glibc
internal import Kernel
internal import Platform

func runAgent(_ options: AgentOptions) throws(Failure) {
  let settings = try loadSettings(options)
  Log.shared.configure(level: settings.logLevel, json: settings.logFormat == .json)
  routeLibbpfLog()
  try Tool.requirePrivilege()
  // SIGHUP ends the agent until it can reload its configuration.
  let signals = Signals(blocking: [SIGINT, SIGTERM, SIGHUP])
  let terminal = Terminal(descriptor: STDOUT_FILENO, environment: environment)
  // Without a destination a person at a terminal sees what is observed.
  let isLive = terminal.isTerminal && Exporter.destinations(settings).isEmpty
  do throws(AgentError) {
    try Agent.runAgent(settings, version: version) { view in
      if isLive {
        Summary(view, terminal).run(until: signals)
      } else if let signal = signals.wait() {
        Log.info("stopping", ["signal": signalName(signal)])
      }
    }
  } catch {
    throw Failure(code: exitCode(error), message: "\(error)")
  }
}

private func exitCode(_ error: AgentError) -> ExitCode {
  switch error {
  case .alreadyRunning: .alreadyRunning
  case .kernel(let error): error.isRefusal ? .unavailable : .failure
  case .lock, .export, .serve, .system: .failure
  }
}

func loadSettings(_ options: AgentOptions) throws(Failure) -> Settings {
  do throws(ConfigError) {
    return try Settings.load(
      file: options.configPath, environment: processEnvironment, flags: options.flags)
  } catch {
    throw Failure(code: .configuration, message: "\(error)")
  }
}

func checkConfig(_ options: AgentOptions) throws(Failure) {
  let settings = try loadSettings(options)
  for warning in settings.warnings { Output.line("warning: \(warning)") }
  let count = settings.warnings.count
  Output.line(count == 0 ? "ok" : "ok, with \(count) warning\(count == 1 ? "" : "s")")
}

func printConfig(_ options: AgentOptions) throws(Failure) {
  Output.text(try loadSettings(options).printed())
}
