// SPDX-License-Identifier: Apache-2.0
// The subcommands. Letters and names of options are those of bcc's tools where one exists.

package enum CommandTable {
  package static let all: [CommandSpec] = [
    agent, execsnoop, runqlat, doctor, configCheck, configPrint, version, completion, help,
  ]

  package static func named(_ name: String) -> CommandSpec? { all.first { $0.name == name } }

  /// Whether this first word, such as `config`, needs a second one.
  static func isGroup(_ word: String) -> Bool { all.contains { $0.name.hasPrefix(word + " ") } }
}

/// What several of the tools have.
extension CommandTable {
  static let pidMax = 4_194_304
  static let tracing: [ExitCode] = [.ok, .failure, .usage, .unavailable]

  static let json = FlagSpec("json", nil, nil, "Print one JSON object per line")
  static let verbose = FlagSpec("verbose", "v", nil, "Print what libbpf says")
  static let cgroup = FlagSpec(
    "cgroup", "c", Argument(placeholder: "CGROUP", type: .directory),
    "Only tasks in or below this cgroup, as /sys/fs/cgroup/system.slice")
}
