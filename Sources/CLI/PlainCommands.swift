// SPDX-License-Identifier: Apache-2.0
// The commands that trace nothing: doctor, version, and what the tables say of themselves.

internal import Config

package enum Shell: String, CaseIterable, Sendable {
  case bash, zsh, fish
}

package struct DoctorOptions: Equatable, Sendable {
  package let json: Bool
  /// What the agent would be started with.
  package let agent: AgentOptions
}

package struct DescribeOptions: Equatable, Sendable {
  package enum Form: Equatable, Sendable {
    case text, json, markdown
  }

  package let form: Form

  init(_ parsed: ParsedWords) throws(UsageError) {
    try parsed.refuse("json", with: ["markdown"])
    form = parsed.has("json") ? .json : parsed.has("markdown") ? .markdown : .text
  }
}

extension CommandTable {
  /// `help config check` names one command with two words.
  static func takesCommand(_ spec: CommandSpec) -> Bool {
    spec.name == help.name || spec.name == man.name
  }

  static let doctor = CommandSpec(
    name: "doctor", summary: "Say what works on this machine, and why not the rest",
    paragraph: """
      Looks at the kernel and at what this process may do, attaches each probe for a moment to see
      which hooks it takes and why, tells the memory that an agent of this configuration may take,
      looks whether its endpoint could be served and its file be written, sends an empty request to
      each collector, and prints health and loss ledger of a running agent. Below what is not well
      stands what to do. Exits with 4 when the kernel or a privilege is missing, else with 3 when
      the configuration is wrong, certificates and tokens included, else with 1 when the endpoint,
      a destination or the running agent is not well, also when a collector asks to come again
      later; a warning is no reason.
      """,
    flags: [json] + configuration,
    examples: [
      Example(command: "apus doctor", meaning: "a report to read"),
      Example(
        command: "apus doctor --json --config /etc/apus/apus.yaml",
        meaning: "one object per finding, of what an agent started so would meet"),
    ],
    exitCodes: [.ok, .failure, .usage, .configuration, .unavailable])

  static let describe = CommandSpec(
    name: "describe", summary: "Print the events, metrics and attributes that Apus exports",
    paragraph: """
      Prints each event with when it is told and its attributes, each metric with kind, unit,
      attributes and name in Prometheus, and the attributes of Resources, from the tables that the
      agent encodes with. Types, stability and requirement levels are in OpenTelemetry's words.
      """,
    flags: [
      FlagSpec("json", nil, nil, "Print one JSON object"),
      FlagSpec("markdown", nil, nil, "Print Markdown, as docs/telemetry.md has it"),
    ],
    examples: [
      Example(command: "apus describe", meaning: "read it"),
      Example(
        command: "apus describe --json", meaning: "the same for a program"),
    ],
    exitCodes: [.ok, .usage])

  static let version = CommandSpec(
    name: "version", summary: "Print the version", paragraph: "Prints name and version.",
    examples: [
      Example(command: "apus version", meaning: "print it"),
      Example(command: "apus --version", meaning: "the same"),
    ],
    exitCodes: [.ok, .usage])

  static let completion = CommandSpec(
    name: "completion", summary: "Print a completion script for a shell",
    paragraph: "Prints a script that teaches the shell the commands and options of apus.",
    positionals: [
      PositionalSpec(
        name: "SHELL", type: .word(choices: Shell.allCases.map(\.rawValue)), isRequired: true,
        help: oneOf(Shell.allCases.map(\.rawValue)))
    ],
    examples: [
      Example(
        command: "apus completion bash > /etc/bash_completion.d/apus", meaning: "for every user"),
      Example(command: "apus completion fish | source", meaning: "for this session of fish"),
    ],
    exitCodes: [.ok, .usage])

  static let man = CommandSpec(
    name: "man", summary: "Print a man page",
    paragraph: """
      Prints the man page of apus, or of the command named, as troff source for man(1). It is made
      from the same tables as --help.
      """,
    positionals: [
      PositionalSpec(name: "COMMAND", type: .text, isRequired: false, help: "One of the commands")
    ],
    examples: [
      Example(command: "apus man tcpconnect | man -l -", meaning: "read one at once"),
      Example(
        command: "apus man runqlat > /usr/local/share/man/man1/apus-runqlat.1",
        meaning: "keep one for 'man apus-runqlat'"),
    ],
    exitCodes: [.ok, .usage])

  static let help = CommandSpec(
    name: "help", summary: "Print the help of a command",
    paragraph: "Prints the list of commands, or the help of the one named.",
    positionals: [
      PositionalSpec(name: "COMMAND", type: .text, isRequired: false, help: "One of the commands")
    ],
    examples: [
      Example(command: "apus help", meaning: "the list of commands"),
      Example(command: "apus help runqlat", meaning: "one of them"),
    ],
    exitCodes: [.ok, .usage])
}
