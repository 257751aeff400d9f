// SPDX-License-Identifier: Apache-2.0
// `apus runqlat`: its options, with the letters of bcc's tool.

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
    try parsed.refuse("exponential", with: ["milliseconds"])
    intervalSeconds = parsed.intervalSeconds
    count = parsed.intervals
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

extension CommandTable {
  static let runqlat = CommandSpec(
    name: "runqlat", summary: "Show how long tasks wait for a CPU, as a histogram",
    paragraph: """
      Measures the time from runnable to running (wake-ups, new tasks, and tasks that were
      preempted) in the kernel, and prints a histogram every INTERVAL seconds, COUNT times, or once
      at Ctrl-C. On a terminal each interval is drawn over the one before; '| cat' keeps them all.
      """,
    positionals: intervals(of: "histograms"),
    flags: [
      FlagSpec("timestamp", "T", nil, "Include the time of day"),
      FlagSpec("milliseconds", "m", nil, "Count in milliseconds, not microseconds"),
      FlagSpec("pids", "P", nil, "One histogram per process"),
      FlagSpec("tids", "L", nil, "One histogram per thread"),
      FlagSpec("pidnss", nil, nil, "One histogram per PID namespace"),
      pid, exponential, verbose, cgroup, json,
    ],
    examples: [
      Example(command: "apus runqlat 1 5", meaning: "five histograms, one each second"),
      Example(
        command: "apus runqlat -mT -p 185 10",
        meaning: "process 185 in milliseconds, with the time, every ten seconds"),
    ],
    exitCodes: tracing, models: ["runqlat(8)"])
}
