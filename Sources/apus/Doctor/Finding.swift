// SPDX-License-Identifier: Apache-2.0
// One thing that the doctor looked at: how it is, and what to do where it is not well.

internal import CLI
internal import Config

struct Finding {
  /// What a finding is about; in the order in which they are shown.
  enum Section: String, CaseIterable {
    case kernel, privilege, hooks, configuration, memory, endpoint, destinations, agent
  }

  /// What of a configuration it is about.
  enum Cause {
    case error(ConfigError)
    case warning(ConfigWarning)
  }

  enum State: String {
    case ok, warning, error

    var style: Terminal.Style {
      switch self {
      case .ok: .green
      case .warning: .yellow
      case .error: .red
      }
    }
  }

  let section: Section
  let name: String
  let state: State
  let value: String
  /// What to do about it; empty when there is nothing to do.
  let remedy: String
  let cause: Cause?

  init(
    _ section: Section, _ name: String, _ state: State, _ value: String, _ remedy: String = "",
    cause: Cause? = nil
  ) {
    self.section = section
    self.name = name
    self.state = state
    self.value = value
    self.remedy = remedy
    self.cause = cause
  }

  var json: String {
    var object = JSONLine()
    object.add("section", section.rawValue)
    object.add("name", name)
    object.add("state", state.rawValue)
    object.add("value", value)
    object.add("remedy", remedy)
    switch cause {
    case .error(let error)?: object.add(error)
    case .warning(let warning)?: object.add(warning)
    case nil: break
    }
    return object.finished()
  }
}

extension [Finding] {
  /// A heading for each section, a line for each finding, what to do below it.
  func text(_ terminal: Terminal) -> String {
    let width = (map(\.name.count).max() ?? 0) + 2
    var text = ""
    for section in Finding.Section.allCases {
      let findings = filter { $0.section == section }
      guard !findings.isEmpty else { continue }
      text += (text.isEmpty ? "" : "\n") + terminal.styled(section.rawValue, .bold) + "\n"
      for finding in findings {
        let state = terminal.styled(left(finding.state.rawValue, 8), finding.state.style)
        text += "  \(state)\(left(finding.name, width))\(printable(finding.value))\n"
        if !finding.remedy.isEmpty { text += spaces(width + 10) + "-> \(finding.remedy)\n" }
      }
    }
    return text
  }

  /// What it comes to, as the last object of `--json`.
  var result: String {
    func number(_ state: Finding.State) -> Int { count { $0.state == state } }
    var object = JSONLine()
    object.add("result", exitCode == .ok ? "ok" : "errors")
    object.add("errors", number(.error))
    object.add("warnings", number(.warning))
    object.add("ok", number(.ok))
    object.add("exit_code", Int(exitCode.rawValue))
    return object.finished()
  }

  /// For scripts: what is missing on this machine comes before what is wrong elsewhere.
  var exitCode: ExitCode {
    let sections = Set(filter { $0.state == .error }.map(\.section))
    if !sections.isDisjoint(with: [.kernel, .privilege, .hooks]) { return .unavailable }
    if sections.contains(.configuration) { return .configuration }
    return sections.isEmpty ? .ok : .failure
  }
}
