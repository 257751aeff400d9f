// SPDX-License-Identifier: Apache-2.0
// `apus tcpretrans`: its options, with the letters of bcc's tool.

package import Config

package struct TcpretransOptions: FlowOptions, Equatable, Sendable {
  package let lossProbes: Bool
  package let sequence: Bool
  package let comm: Bool
  package let cause: Bool
  package let pid: Int32?
  package let family: IPFamily?
  /// Counts per flow instead of a line for each.
  package let counts: Bool
  package let intervalSeconds: Int?
  package let intervals: Int?
  package let verbose: Bool
  package let cgroup: String?
  package let buffer: BufferPreference
  package let json: Bool
}

extension TcpretransOptions {
  init(_ parsed: ParsedWords) throws(UsageError) {
    try parsed.refuse("count", with: ["sequence", "comm", "cause"])
    if parsed.intervalSeconds != nil, !parsed.has("count") {
      throw parsed.error(.needs("INTERVAL", "--count"))
    }
    family = try parsed.family()
    lossProbes = parsed.has("lossprobe")
    sequence = parsed.has("sequence")
    comm = parsed.has("comm")
    cause = parsed.has("cause")
    pid = parsed.integer("pid").map { Int32($0) }
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
  static let tcpretrans = CommandSpec(
    name: "tcpretrans", summary: "Print each TCP retransmission with whose socket it is",
    paragraph: """
      Prints one line per retransmission: time, pid, IP version, both ends and the socket's state. T
      is R, or L for a tail loss probe; those are left out without -l. --count adds up
      retransmissions per flow instead and prints them every INTERVAL seconds, COUNT times, or once
      at Ctrl-C. On a terminal each interval is drawn over the one before; '| cat' keeps them all.
      """,
    note: """
      Letters and columns are those of bcc, as libbpf-tools has no tcpretrans; -c is the cgroup, as
      in all tools of apus, so that --count has no letter. PID is the process that owns the socket,
      or - when none is known: bcc's tool shows the task that the timer or the packet interrupted.
      An IPv6 address stands in brackets.
      """,
    positionals: intervals(of: "tables of --count"),
    flags: [
      FlagSpec("lossprobe", "l", nil, "Include tail loss probes"),
      FlagSpec("sequence", "s", nil, "Include the sequence number of the first byte"),
      FlagSpec("comm", nil, nil, "Include the name of the socket's owner"),
      FlagSpec(
        "cause", nil, nil,
        "Include the cause: timeout, fast, tail_loss_probe, syn, syn_ack or other"),
      pid,
    ] + families + [
      FlagSpec("count", nil, nil, "Count retransmissions per flow"),
      verbose, cgroup("sockets"), buffer, json,
    ],
    examples: [
      Example(
        command: "apus tcpretrans -l --cause", meaning: "every retransmission and its cause"),
      Example(
        command: "apus tcpretrans --count 5 12",
        meaning: "retransmissions per flow, every five seconds for a minute"),
    ],
    exitCodes: tracing, models: ["tcpretrans(8)"])
}
