// SPDX-License-Identifier: Apache-2.0
// The subcommands. Letters and names of options are those of bcc's tools where one exists; where
// bcc and libbpf-tools differ, libbpf-tools'.

internal import Config

package enum CommandTable {
  package static let all: [CommandSpec] =
    tools
    + [
      doctor, describe, configCheck, configPrint, configSchema, version, completion, man, help,
    ]
  static let tools = [agent, execsnoop, tcpconnect, tcpretrans, runqlat, biolatency]

  package static func named(_ name: String) -> CommandSpec? { all.first { $0.name == name } }

  /// First words that need a second one, and what the commands so named are for.
  static let groups = ["config": "Check, print or explain the configuration"]

  /// The commands of a group; of any other word none.
  static func nested(_ word: String) -> [CommandSpec] {
    all.filter { $0.name.hasPrefix(word + " ") }
  }
}

package enum IPFamily: Int, Sendable {
  case ipv4 = 4
  case ipv6 = 6
}

/// What several of the tools have.
extension CommandTable {
  static let tracing: [ExitCode] = [.ok, .failure, .usage, .unavailable]

  static let json = FlagSpec("json", nil, nil, "Print one JSON object per line")
  static let verbose = FlagSpec("verbose", "v", nil, "Print what libbpf says")
  static let cgroup = cgroup("tasks")
  static func cgroup(_ things: String) -> FlagSpec {
    FlagSpec(
      "cgroup", "c", Argument(placeholder: "CGROUP", type: .directory),
      "Only \(things) in or below this cgroup, as /sys/fs/cgroup/system.slice")
  }
  static let pid = FlagSpec(
    "pid", "p", Argument(placeholder: "PID", type: .integer(1...4_194_304)), "Only this process")
  static let uid = FlagSpec(
    "uid", "u", Argument(placeholder: "UID", type: .integer(0...4_294_967_294)),
    "Only this user id")
  static let buffer = FlagSpec(
    "buffer", nil,
    Argument(placeholder: "KIND", type: .word(choices: BufferPreference.allCases.map(\.rawValue))),
    "Take records from this kernel buffer: auto, ring or perf; auto if not given")
  static let families = [
    FlagSpec("ipv4", "4", nil, "Only IPv4"), FlagSpec("ipv6", "6", nil, "Only IPv6"),
  ]
  static let exponential = FlagSpec(
    "exponential", nil, nil, "Draw the eight finer buckets in each power of two")

  /// `[INTERVAL [COUNT]]`, as all models of ours take them.
  static func intervals(of things: String) -> [PositionalSpec] {
    [
      PositionalSpec(
        name: "INTERVAL", type: .integer(1...86_400), isRequired: false,
        help: "Seconds between \(things); one at Ctrl-C if not given"),
      PositionalSpec(
        name: "COUNT", type: .integer(1...1_000_000_000), isRequired: false,
        help: "How many \(things); until Ctrl-C if not given"),
    ]
  }

}

extension ParsedWords {
  var intervalSeconds: Int? { positional(0).flatMap { Int($0) } }
  var intervals: Int? { positional(1).flatMap { Int($0) } }
  var buffer: BufferPreference {
    text("buffer").flatMap { BufferPreference(rawValue: $0) } ?? .auto
  }

  func family() throws(UsageError) -> IPFamily? {
    try refuse("ipv4", with: ["ipv6"])
    return has("ipv4") ? .ipv4 : has("ipv6") ? .ipv6 : nil
  }

  /// Refuses options that say nothing, or something else, beside another.
  func refuse(_ option: String, with others: [String]) throws(UsageError) {
    guard has(option), let other = others.first(where: has) else { return }
    throw error(.conflict("--\(option)", "--\(other)"))
  }
}
