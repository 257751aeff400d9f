// SPDX-License-Identifier: Apache-2.0
// What was asked for: one typed value per subcommand.

package import Config

package enum Shell: String, CaseIterable, Sendable {
  case bash, zsh, fish
}

/// For the agent and for `config`, which read the configuration alike.
package struct AgentOptions: Equatable, Sendable {
  package let configPath: String?
  /// Already checked; handed to `Settings.load`.
  package let flags: [OptionKey: Value]
}

package struct ExecsnoopOptions: Equatable, Sendable {
  package let time: Bool
  package let timestamp: Bool
  package let fails: Bool
  package let uid: UInt32?
  package let quote: Bool
  package let name: String?
  package let line: String?
  package let printUID: Bool
  package let maxArgs: Int
  package let verbose: Bool
  package let cgroup: String?
  package let json: Bool
}

package struct RunqlatOptions: Equatable, Sendable {
  package enum Grouping: Equatable, Sendable {
    case all, processes, threads, pidNamespaces
  }

  package let intervalSeconds: Int?
  package let count: Int?
  package let timestamp: Bool
  package let milliseconds: Bool
  package let grouping: Grouping
  package let pid: Int32?
  package let verbose: Bool
  package let cgroup: String?
  package let json: Bool
  package let exponential: Bool
}

package struct DoctorOptions: Equatable, Sendable {
  package let json: Bool
}

package enum Command: Equatable, Sendable {
  case agent(AgentOptions)
  case execsnoop(ExecsnoopOptions)
  case runqlat(RunqlatOptions)
  case doctor(DoctorOptions)
  case configCheck(AgentOptions)
  case configPrint(AgentOptions)
  case version
  case completion(Shell)
  /// Nil is the list of commands.
  case help(CommandSpec?)

  /// Parses what follows the program's name.
  package static func parse(_ words: [String]) throws(UsageError) -> Command {
    guard let first = words.first else { throw UsageError(command: nil, kind: .noCommand) }
    switch first {
    case "--help", "-h", "-?": return .help(nil)
    case "--version", "-V": return .version
    default: break
    }
    if first.hasPrefix("-") {
      throw UsageError(command: nil, kind: .unknownOption(first, suggestion: nil))
    }
    // The list shows the commands of a group, so it is the group's help.
    if words.count == 2, ["--help", "-h", "-?"].contains(words[1]), CommandTable.isGroup(first) {
      return .help(nil)
    }
    let (spec, rest) = try CommandTable.find(words)
    let parsed = try ParsedWords(rest, spec)
    if parsed.has("help") { return .help(spec) }
    return try make(spec, parsed)
  }

  private static func make(_ spec: CommandSpec, _ parsed: ParsedWords) throws(UsageError) -> Command
  {
    switch spec.name {
    case "agent": .agent(AgentOptions(parsed))
    case "execsnoop": .execsnoop(ExecsnoopOptions(parsed))
    case "runqlat": .runqlat(try RunqlatOptions(parsed))
    case "doctor": .doctor(DoctorOptions(json: parsed.has("json")))
    case "config check": .configCheck(AgentOptions(parsed))
    case "config print": .configPrint(AgentOptions(parsed))
    case "version": .version
    case "completion": .completion(parsed.positional(0).flatMap(Shell.init) ?? .bash)
    case "help": .help(try helped(parsed.positionals))
    default: preconditionFailure("a command in the table has no case")
    }
  }

  private static func helped(_ words: [String]) throws(UsageError) -> CommandSpec? {
    if words.isEmpty || words.count == 1 && CommandTable.isGroup(words[0]) { return nil }
    return try CommandTable.find(words).spec
  }
}

extension AgentOptions {
  init(_ parsed: ParsedWords) {
    configPath = parsed.text("config")
    flags = parsed.optionValues
  }
}

extension ExecsnoopOptions {
  init(_ parsed: ParsedWords) {
    time = parsed.has("time")
    timestamp = parsed.has("timestamp")
    fails = parsed.has("fails")
    uid = parsed.integer("uid").map { UInt32($0) }
    quote = parsed.has("quote")
    name = parsed.text("name")
    line = parsed.text("line")
    printUID = parsed.has("print-uid")
    maxArgs = parsed.integer("max-args") ?? 20
    verbose = parsed.has("verbose")
    cgroup = parsed.text("cgroup")
    json = parsed.has("json")
  }
}

extension RunqlatOptions {
  init(_ parsed: ParsedWords) throws(UsageError) {
    let groupings: [(String, Grouping)] = [
      ("pids", .processes), ("tids", .threads), ("pidnss", .pidNamespaces),
    ].filter { parsed.has($0.0) }
    // bcc's tool takes the last silently; a histogram of something else than asked would mislead.
    if groupings.count > 1 {
      throw UsageError(
        command: "runqlat", kind: .conflict("--\(groupings[0].0)", "--\(groupings[1].0)"))
    }
    if parsed.has("exponential"), parsed.has("milliseconds") {
      throw UsageError(command: "runqlat", kind: .conflict("--exponential", "--milliseconds"))
    }
    intervalSeconds = parsed.positional(0).flatMap { Int($0) }
    count = parsed.positional(1).flatMap { Int($0) }
    timestamp = parsed.has("timestamp")
    milliseconds = parsed.has("milliseconds")
    grouping = groupings.first?.1 ?? .all
    pid = parsed.integer("pid").map { Int32($0) }
    verbose = parsed.has("verbose")
    cgroup = parsed.text("cgroup")
    json = parsed.has("json")
    exponential = parsed.has("exponential")
  }
}
