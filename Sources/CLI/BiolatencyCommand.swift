// SPDX-License-Identifier: Apache-2.0
// `apus biolatency`: its options, with the letters of libbpf-tools' tool.

package struct BiolatencyOptions: Equatable, Sendable {
  package enum Grouping: Equatable, Sendable {
    case all, disks, flags
  }

  package let intervalSeconds: Int?
  package let intervals: Int?
  package let timestamp: Bool
  package let milliseconds: Bool
  /// From the insertion into a queue, not from the issue to the device.
  package let queued: Bool
  package let grouping: Grouping
  /// A name in /sys/block.
  package let disk: String?
  package let verbose: Bool
  package let cgroup: String?
  package let json: Bool
  package let exponential: Bool
}

extension BiolatencyOptions {
  init(_ parsed: ParsedWords) throws(UsageError) {
    try parsed.refuse("disks", with: ["flag"])
    try parsed.refuse("exponential", with: ["milliseconds"])
    intervalSeconds = parsed.intervalSeconds
    intervals = parsed.intervals
    timestamp = parsed.has("timestamp")
    milliseconds = parsed.has("milliseconds")
    queued = parsed.has("queued")
    grouping = parsed.has("disks") ? .disks : parsed.has("flag") ? .flags : .all
    disk = parsed.text("disk")
    verbose = parsed.has("verbose")
    cgroup = parsed.text("cgroup")
    json = parsed.has("json")
    exponential = parsed.has("exponential")
  }
}

extension CommandTable {
  static let biolatency = CommandSpec(
    name: "biolatency", summary: "Show how long block devices take, as a histogram",
    paragraph: """
      Measures the time from the issue of a request to a block device to its completion in the
      kernel, and prints a histogram every INTERVAL seconds, COUNT times, or once at Ctrl-C. On a
      terminal each interval is drawn over the one before; '| cat' keeps them all.
      """,
    note: """
      Letters are those of libbpf-tools; --disks is bcc's name, as libbpf-tools calls both -D and -d
      --disk.
      """,
    positionals: intervals(of: "histograms"),
    flags: [
      FlagSpec("timestamp", "T", nil, "Include the time of day"),
      FlagSpec("milliseconds", "m", nil, "Count in milliseconds, not microseconds"),
      FlagSpec("queued", "Q", nil, "Include the time in the queue of the operating system"),
      FlagSpec("disks", "D", nil, "One histogram per disk"),
      FlagSpec("flag", "F", nil, "One histogram per operation and set of request flags"),
      FlagSpec("disk", "d", Argument(placeholder: "DISK", type: .text), "Only this disk, as sda"),
      exponential, verbose, cgroup("requests of tasks"), json,
    ],
    examples: [
      Example(command: "apus biolatency 1 10", meaning: "ten histograms, one each second"),
      Example(
        command: "apus biolatency -QD -d sda 5",
        meaning: "sda with the time in its queue, every five seconds"),
    ],
    exitCodes: tracing, models: ["biolatency(8)"])
}
