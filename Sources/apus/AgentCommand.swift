// SPDX-License-Identifier: Apache-2.0
// `apus agent`.

internal import Agent
internal import CLI
internal import Config
internal import Export
internal import Glibc
internal import Kernel
internal import Platform
internal import Serve

func runAgent(_ options: AgentOptions) throws(Failure) {
  let settings = try loadSettings(options)
  Log.shared.configure(level: settings.logLevel, json: settings.logFormat == .json)
  routeLibbpfLog()
  try Tool.requirePrivilege()
  // SIGHUP ends the agent until it can reload its configuration. SIGPIPE comes when standard output
  // is the destination and nobody reads it any more.
  let signals = Signals(blocking: [SIGINT, SIGTERM, SIGHUP, SIGPIPE])
  var isCutOff = false
  let terminal = Terminal(descriptor: STDOUT_FILENO, environment: environment)
  // Without a destination a person at a terminal sees what is observed.
  let isLive = terminal.isTerminal && Exporter.destinations(settings).isEmpty
  if !isLive {
    for futility in Futility.of(settings) {
      Log.warn("nothing comes of it", ["why": futility.what, "remedy": futility.remedy])
    }
  }
  do throws(AgentError) {
    try Agent.runAgent(settings, version: version) { view in
      if isLive {
        Summary(view, terminal).run(until: signals)
      } else if let signal = signals.wait() {
        isCutOff = signal == SIGPIPE
        Log.info("stopping", ["signal": signalName(signal)])
      }
    }
  } catch {
    throw Failure(code: exitCode(error), message: "\(error)")
  }
  if isCutOff { throw Failure(code: .failure, message: "standard output was closed") }
}

private func exitCode(_ error: AgentError) -> ExitCode {
  switch error {
  case .alreadyRunning: .alreadyRunning
  case .kernel(let error): error.isRefusal ? .unavailable : .failure
  case .serve(let error): error.isOfConfiguration ? .configuration : .failure
  case .lock, .export, .system: .failure
  }
}
