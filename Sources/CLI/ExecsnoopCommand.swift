// SPDX-License-Identifier: Apache-2.0
// `apus execsnoop`: its options, with the letters of bcc's tool.

package import Config

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
  package let buffer: BufferPreference
  package let json: Bool
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
    buffer = parsed.buffer
    json = parsed.has("json")
  }
}

extension CommandTable {
  static let execsnoop = CommandSpec(
    name: "execsnoop", summary: "Print each new program with its arguments",
    paragraph: """
      Prints one line per exec as it happens: name, pid, parent, return value and arguments. Failed
      execs are shown with -x. Arguments are printed as they are, secrets too. Stop with Ctrl-C.
      """,
    flags: [
      FlagSpec("time", "T", nil, "Include the time of day (HH:MM:SS)"),
      FlagSpec("timestamp", "t", nil, "Include seconds since the start"),
      FlagSpec("fails", "x", nil, "Include failed execs"),
      uid,
      FlagSpec("quote", "q", nil, "Put quotation marks around arguments"),
      FlagSpec(
        "name", "n", Argument(placeholder: "NAME", type: .text),
        "Only programs whose name contains this"),
      FlagSpec(
        "line", "l", Argument(placeholder: "LINE", type: .text),
        "Only programs with an argument that contains this"),
      FlagSpec("print-uid", "U", nil, "Include the user id"),
      FlagSpec(
        "max-args", nil, Argument(placeholder: "COUNT", type: .integer(1...4096)),
        "Most arguments to print; 20 if not given"),
      verbose, cgroup, buffer, json,
    ],
    examples: [
      Example(command: "apus execsnoop -xT", meaning: "every exec with its time, failed ones too"),
      Example(command: "apus execsnoop -n ssh --json", meaning: "programs named ssh, as JSON"),
    ],
    exitCodes: tracing, models: ["execsnoop(8)"])
}
