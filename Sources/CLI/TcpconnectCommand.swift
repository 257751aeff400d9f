// SPDX-License-Identifier: Apache-2.0
// `apus tcpconnect`: its options, with the letters of libbpf-tools' tool.

package import Config

package struct TcpconnectOptions: FlowOptions, Equatable, Sendable {
  package let time: Bool
  package let timestamp: Bool
  /// Only connects that were not established.
  package let failed: Bool
  package let showsOutcome: Bool
  package let pid: Int32?
  /// Of the destination; empty is all.
  package let ports: [UInt16]
  package let uid: UInt32?
  package let printUID: Bool
  package let sourcePort: Bool
  package let family: IPFamily?
  /// Counts per source and destination instead of a line for each.
  package let counts: Bool
  package let intervalSeconds: Int?
  package let intervals: Int?
  package let verbose: Bool
  package let cgroup: String?
  package let buffer: BufferPreference
  package let json: Bool
}

extension TcpconnectOptions {
  init(_ parsed: ParsedWords) throws(UsageError) {
    // In a table of counts there is no one time, user or outcome to show.
    try parsed.refuse("count", with: ["timestamp", "print-uid", "outcome"])
    if parsed.intervalSeconds != nil, !parsed.has("count") {
      throw parsed.error(.needs("INTERVAL", "--count"))
    }
    family = try parsed.family()
    time = parsed.has("time")
    timestamp = parsed.has("timestamp")
    failed = parsed.has("failed")
    showsOutcome = parsed.has("outcome") || parsed.has("failed")
    pid = parsed.integer("pid").map { Int32($0) }
    ports = parsed.integers("port").map { UInt16($0) }
    uid = parsed.integer("uid").map { UInt32($0) }
    printUID = parsed.has("print-uid")
    sourcePort = parsed.has("source-port") || parsed.has("lport")
    counts = parsed.has("count")
    intervalSeconds = parsed.intervalSeconds
    intervals = parsed.intervals
    verbose = parsed.has("verbose")
    cgroup = parsed.text("cgroup")
    buffer = parsed.buffer
    json = parsed.has("json")
  }
}

extension CommandTable {
  static let tcpconnect = CommandSpec(
    name: "tcpconnect", summary: "Print each TCP connect with who made it and how it ended",
    paragraph: """
      Prints one line per active TCP connect once it has an outcome: those that fail, too, as the
      tools of bcc do, so that one that nobody answers is shown when it times out, or at Ctrl-C. The
      process is the one that called connect. --count adds up connects per source and destination
      instead and prints them every INTERVAL seconds, COUNT times, or once at Ctrl-C. On a terminal
      each interval is drawn over the one before; '| cat' keeps them all.
      """,
    note: """
      Letters and columns are those of libbpf-tools, with -L, -4 and -6 from bcc; -c is the cgroup,
      as in all tools of apus, so that --count has no letter.
      """,
    positionals: intervals(of: "tables of --count"),
    flags: [
      FlagSpec("time", "T", nil, "Include the time of day (HH:MM:SS)"),
      FlagSpec("timestamp", "t", nil, "Include seconds since the start"),
      FlagSpec(
        "failed", "x", nil, "Only connects that were not established, with what --outcome shows"),
      FlagSpec("outcome", nil, nil, "Include the outcome, the error and the milliseconds it took"),
      pid,
      FlagSpec(
        "port", "P", Argument(placeholder: "PORTS", type: .integers(1...65_535, most: 64)),
        "Only these destination ports"),
      uid,
      FlagSpec("print-uid", "U", nil, "Include the user id"),
      FlagSpec("source-port", "s", nil, "Include the source port, and tell it apart in --count"),
      FlagSpec("lport", "L", nil, "The same, under the name that bcc gives it"),
    ] + families + [
      FlagSpec("count", nil, nil, "Count connects per source and destination address and port"),
      verbose, cgroup, buffer, json,
    ],
    examples: [
      Example(
        command: "apus tcpconnect -x -P 80,443",
        meaning: "connects to a web server that failed, with the reason"),
      Example(
        command: "apus tcpconnect --count 10",
        meaning: "who connects where, every ten seconds"),
    ],
    exitCodes: tracing, models: ["tcpconnect(8)", "tcpconnlat(8)"])
}
