// SPDX-License-Identifier: Apache-2.0
// What was asked for: one typed value per subcommand.

package enum Command: Equatable, Sendable {
  case agent(AgentOptions)
  case execsnoop(ExecsnoopOptions)
  case tcpconnect(TcpconnectOptions)
  case tcpretrans(TcpretransOptions)
  case runqlat(RunqlatOptions)
  case biolatency(BiolatencyOptions)
  case doctor(DoctorOptions)
  case describe(DescribeOptions)
  case configCheck(AgentOptions)
  case configPrint(AgentOptions)
  case configSchema
  case version
  case completion(Shell)
  /// Nil is the page of apus itself.
  case man(CommandSpec?)
  /// Nil is the list of commands.
  case help(CommandSpec?)
  /// Of several commands that begin with the same word.
  case helpGroup(String)

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
    let isGroup = CommandTable.groups[first] != nil
    if words.count == 2, ["--help", "-h", "-?"].contains(words[1]), isGroup {
      return .helpGroup(first)
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
    case "tcpconnect": .tcpconnect(try TcpconnectOptions(parsed))
    case "tcpretrans": .tcpretrans(try TcpretransOptions(parsed))
    case "runqlat": .runqlat(try RunqlatOptions(parsed))
    case "biolatency": .biolatency(try BiolatencyOptions(parsed))
    case "doctor": .doctor(DoctorOptions(json: parsed.has("json"), agent: AgentOptions(parsed)))
    case "config check": .configCheck(AgentOptions(parsed, json: parsed.has("json")))
    case "config print": .configPrint(AgentOptions(parsed, json: parsed.has("json")))
    case "config schema": .configSchema
    case "describe": .describe(try DescribeOptions(parsed))
    case "version": .version
    case "completion": .completion(parsed.positional(0).flatMap(Shell.init) ?? .bash)
    case "man": .man(try named(parsed, spec))
    case "help":
      if let group = group(parsed) { .helpGroup(group) } else { .help(try named(parsed, spec)) }
    default: preconditionFailure("a command in the table has no case")
    }
  }

  private static func group(_ parsed: ParsedWords) -> String? {
    guard parsed.positionals.count == 1 else { return nil }
    return parsed.positional(0).flatMap { CommandTable.groups[$0] == nil ? nil : $0 }
  }

  /// The command that the arguments name; nil when there are none, and of a group, which has no
  /// page of its own.
  private static func named(
    _ parsed: ParsedWords, _ spec: CommandSpec
  ) throws(UsageError) -> CommandSpec? {
    if parsed.positionals.isEmpty || group(parsed) != nil { return nil }
    let (found, rest) = try CommandTable.find(parsed.positionals)
    guard let extra = rest.first else { return found }
    throw UsageError(command: spec.name, kind: .unexpectedPositional(extra))
  }
}
