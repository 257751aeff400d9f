// SPDX-License-Identifier: Apache-2.0
// Every option of every tool, and the field of the typed options that it sets.

@testable import CLI
import Config
import Testing

extension Command {
  var execsnoop: ExecsnoopOptions? {
    if case .execsnoop(let options) = self { options } else { nil }
  }
  var tcpconnect: TcpconnectOptions? {
    if case .tcpconnect(let options) = self { options } else { nil }
  }
  var tcpretrans: TcpretransOptions? {
    if case .tcpretrans(let options) = self { options } else { nil }
  }
  var runqlat: RunqlatOptions? { if case .runqlat(let options) = self { options } else { nil } }
  var biolatency: BiolatencyOptions? {
    if case .biolatency(let options) = self { options } else { nil }
  }
}

func parsed(_ line: String) throws -> Command { try Command.parse(words(line)) }

@Suite("the options of the tools")
struct ToolParseTests {
  struct Row: Sendable {
    let line: String
    let isSet: @Sendable (Command) -> Bool
  }

  static let rows: [Row] = [
    Row(line: "execsnoop -T") { $0.execsnoop?.time == true },
    Row(line: "execsnoop --time") { $0.execsnoop?.time == true },
    Row(line: "execsnoop -t") { $0.execsnoop?.timestamp == true },
    Row(line: "execsnoop --timestamp") { $0.execsnoop?.timestamp == true },
    Row(line: "execsnoop -x") { $0.execsnoop?.fails == true },
    Row(line: "execsnoop --fails") { $0.execsnoop?.fails == true },
    Row(line: "execsnoop -u 7") { $0.execsnoop?.uid == 7 },
    Row(line: "execsnoop --uid 7") { $0.execsnoop?.uid == 7 },
    Row(line: "execsnoop -q") { $0.execsnoop?.quote == true },
    Row(line: "execsnoop --quote") { $0.execsnoop?.quote == true },
    Row(line: "execsnoop -n a") { $0.execsnoop?.name == "a" },
    Row(line: "execsnoop --name a") { $0.execsnoop?.name == "a" },
    Row(line: "execsnoop -l a") { $0.execsnoop?.line == "a" },
    Row(line: "execsnoop --line a") { $0.execsnoop?.line == "a" },
    Row(line: "execsnoop -U") { $0.execsnoop?.printUID == true },
    Row(line: "execsnoop --print-uid") { $0.execsnoop?.printUID == true },
    Row(line: "execsnoop --max-args 3") { $0.execsnoop?.maxArgs == 3 },
    Row(line: "execsnoop -v") { $0.execsnoop?.verbose == true },
    Row(line: "execsnoop --verbose") { $0.execsnoop?.verbose == true },
    Row(line: "execsnoop -c /g") { $0.execsnoop?.cgroup == "/g" },
    Row(line: "execsnoop --cgroup /g") { $0.execsnoop?.cgroup == "/g" },
    Row(line: "execsnoop --buffer perf") { $0.execsnoop?.buffer == .perf },
    Row(line: "execsnoop --json") { $0.execsnoop?.json == true },

    Row(line: "tcpconnect -T") { $0.tcpconnect?.time == true },
    Row(line: "tcpconnect --time") { $0.tcpconnect?.time == true },
    Row(line: "tcpconnect -t") { $0.tcpconnect?.timestamp == true },
    Row(line: "tcpconnect --timestamp") { $0.tcpconnect?.timestamp == true },
    Row(line: "tcpconnect -x") { $0.tcpconnect.map { $0.failed && $0.showsOutcome } == true },
    Row(line: "tcpconnect --failed") { $0.tcpconnect?.failed == true },
    Row(line: "tcpconnect --outcome") {
      $0.tcpconnect.map { $0.showsOutcome && !$0.failed } == true
    },
    Row(line: "tcpconnect -p 5") { $0.tcpconnect?.pid == 5 },
    Row(line: "tcpconnect --pid 5") { $0.tcpconnect?.pid == 5 },
    Row(line: "tcpconnect -P 80") { $0.tcpconnect?.ports == [80] },
    Row(line: "tcpconnect --port 80,65535,1") { $0.tcpconnect?.ports == [80, 65_535, 1] },
    Row(line: "tcpconnect -u 0") { $0.tcpconnect?.uid == 0 },
    Row(line: "tcpconnect --uid 4294967294") { $0.tcpconnect?.uid == 4_294_967_294 },
    Row(line: "tcpconnect -U") { $0.tcpconnect?.printUID == true },
    Row(line: "tcpconnect --print-uid") { $0.tcpconnect?.printUID == true },
    Row(line: "tcpconnect -s") { $0.tcpconnect?.sourcePort == true },
    Row(line: "tcpconnect --source-port") { $0.tcpconnect?.sourcePort == true },
    Row(line: "tcpconnect -L") { $0.tcpconnect?.sourcePort == true },
    Row(line: "tcpconnect --lport") { $0.tcpconnect?.sourcePort == true },
    Row(line: "tcpconnect -4") { $0.tcpconnect?.family == .ipv4 },
    Row(line: "tcpconnect --ipv4") { $0.tcpconnect?.family == .ipv4 },
    Row(line: "tcpconnect -6") { $0.tcpconnect?.family == .ipv6 },
    Row(line: "tcpconnect --ipv6") { $0.tcpconnect?.family == .ipv6 },
    Row(line: "tcpconnect --count") {
      $0.tcpconnect.map { $0.counts && $0.intervalSeconds == nil } == true
    },
    Row(line: "tcpconnect --count 5 3") {
      $0.tcpconnect.map { $0.intervalSeconds == 5 && $0.intervals == 3 } == true
    },
    Row(line: "tcpconnect -v") { $0.tcpconnect?.verbose == true },
    Row(line: "tcpconnect --verbose") { $0.tcpconnect?.verbose == true },
    Row(line: "tcpconnect -c /g") { $0.tcpconnect?.cgroup == "/g" },
    Row(line: "tcpconnect --cgroup=/g") { $0.tcpconnect?.cgroup == "/g" },
    Row(line: "tcpconnect --buffer ring") { $0.tcpconnect?.buffer == .ring },
    Row(line: "tcpconnect --json") { $0.tcpconnect?.json == true },

    Row(line: "tcpretrans -l") { $0.tcpretrans?.lossProbes == true },
    Row(line: "tcpretrans --lossprobe") { $0.tcpretrans?.lossProbes == true },
    Row(line: "tcpretrans -s") { $0.tcpretrans?.sequence == true },
    Row(line: "tcpretrans --sequence") { $0.tcpretrans?.sequence == true },
    Row(line: "tcpretrans --comm") { $0.tcpretrans?.comm == true },
    Row(line: "tcpretrans --cause") { $0.tcpretrans?.cause == true },
    Row(line: "tcpretrans -p 5") { $0.tcpretrans?.pid == 5 },
    Row(line: "tcpretrans --pid 5") { $0.tcpretrans?.pid == 5 },
    Row(line: "tcpretrans -4") { $0.tcpretrans?.family == .ipv4 },
    Row(line: "tcpretrans --ipv4") { $0.tcpretrans?.family == .ipv4 },
    Row(line: "tcpretrans -6") { $0.tcpretrans?.family == .ipv6 },
    Row(line: "tcpretrans --ipv6") { $0.tcpretrans?.family == .ipv6 },
    Row(line: "tcpretrans --count") { $0.tcpretrans?.counts == true },
    Row(line: "tcpretrans 5 3 --count") {
      $0.tcpretrans.map { $0.intervalSeconds == 5 && $0.intervals == 3 } == true
    },
    Row(line: "tcpretrans -v") { $0.tcpretrans?.verbose == true },
    Row(line: "tcpretrans --verbose") { $0.tcpretrans?.verbose == true },
    Row(line: "tcpretrans -c /g") { $0.tcpretrans?.cgroup == "/g" },
    Row(line: "tcpretrans --cgroup /g") { $0.tcpretrans?.cgroup == "/g" },
    Row(line: "tcpretrans --buffer auto") { $0.tcpretrans?.buffer == .auto },
    Row(line: "tcpretrans --json") { $0.tcpretrans?.json == true },

    Row(line: "runqlat -T") { $0.runqlat?.timestamp == true },
    Row(line: "runqlat --timestamp") { $0.runqlat?.timestamp == true },
    Row(line: "runqlat -m") { $0.runqlat?.milliseconds == true },
    Row(line: "runqlat --milliseconds") { $0.runqlat?.timeUnit == .milliseconds },
    Row(line: "runqlat -P") { $0.runqlat?.grouping == .processes },
    Row(line: "runqlat --pids") { $0.runqlat?.grouping == .processes },
    Row(line: "runqlat -L") { $0.runqlat?.grouping == .threads },
    Row(line: "runqlat --tids") { $0.runqlat?.grouping == .threads },
    Row(line: "runqlat --pidnss") { $0.runqlat?.grouping == .pidNamespaces },
    Row(line: "runqlat -p 5") { $0.runqlat?.pid == 5 },
    Row(line: "runqlat --pid 5") { $0.runqlat?.pid == 5 },
    Row(line: "runqlat --exponential") { $0.runqlat?.exponential == true },
    Row(line: "runqlat -v") { $0.runqlat?.verbose == true },
    Row(line: "runqlat --verbose") { $0.runqlat?.verbose == true },
    Row(line: "runqlat -c /g") { $0.runqlat?.cgroup == "/g" },
    Row(line: "runqlat --cgroup /g") { $0.runqlat?.cgroup == "/g" },
    Row(line: "runqlat --json") { $0.runqlat?.json == true },

    Row(line: "biolatency -T") { $0.biolatency?.timestamp == true },
    Row(line: "biolatency --timestamp") { $0.biolatency?.timestamp == true },
    Row(line: "biolatency -m") { $0.biolatency?.milliseconds == true },
    Row(line: "biolatency --milliseconds") { $0.biolatency?.timeUnit == .milliseconds },
    Row(line: "biolatency -Q") { $0.biolatency?.queued == true },
    Row(line: "biolatency --queued") { $0.biolatency?.queued == true },
    Row(line: "biolatency -D") { $0.biolatency?.grouping == .disks },
    Row(line: "biolatency --disks") { $0.biolatency?.grouping == .disks },
    Row(line: "biolatency -F") { $0.biolatency?.grouping == .flags },
    Row(line: "biolatency --flag") { $0.biolatency?.grouping == .flags },
    Row(line: "biolatency -d sda") { $0.biolatency?.disk == "sda" },
    Row(line: "biolatency --disk sda -D") {
      $0.biolatency.map { $0.disk == "sda" && $0.grouping == .disks } == true
    },
    Row(line: "biolatency --exponential") { $0.biolatency?.exponential == true },
    Row(line: "biolatency 5 3") {
      $0.biolatency.map { $0.intervalSeconds == 5 && $0.intervals == 3 } == true
    },
    Row(line: "biolatency -v") { $0.biolatency?.verbose == true },
    Row(line: "biolatency --verbose") { $0.biolatency?.verbose == true },
    Row(line: "biolatency -c /g") { $0.biolatency?.cgroup == "/g" },
    Row(line: "biolatency --cgroup /g") { $0.biolatency?.cgroup == "/g" },
    Row(line: "biolatency --json") { $0.biolatency?.json == true },
  ]

  @Test("each option sets its field, and the tool alone does not", arguments: rows.indices)
  func sets(index: Int) throws {
    let row = Self.rows[index]
    #expect(try row.isSet(parsed(row.line)), "\(row.line)")
    // `auto` is what stands there when nothing is said.
    guard row.line != "tcpretrans --buffer auto" else { return }
    #expect(try !row.isSet(parsed(words(row.line)[0])), "\(row.line)")
  }

  @Test("the table above leaves no option of a tool out")
  func complete() {
    let asked = Self.rows.map { words($0.line) }
    for spec in CommandTable.tools where spec.name != "agent" {
      let written = Set(
        asked.filter { $0[0] == spec.name }.flatMap { $0 }.map { String($0.prefix { $0 != "=" }) })
      for flag in spec.flags {
        #expect(written.contains("--\(flag.long)"), "\(spec.name) --\(flag.long)")
        if let short = flag.short {
          #expect(written.contains("-\(short)"), "\(spec.name) -\(short)")
        }
      }
    }
  }

  @Test("letters mean the same in all tools")
  func sameLetters() {
    let tools = CommandTable.tools
    let shared: [(letter: Character, long: String)] = [
      ("c", "cgroup"), ("v", "verbose"), ("p", "pid"), ("u", "uid"), ("U", "print-uid"),
      ("m", "milliseconds"), ("4", "ipv4"), ("6", "ipv6"), ("t", "timestamp"), ("h", "help"),
    ]
    for (letter, long) in shared {
      let names = Set(tools.flatMap(\.allFlags).filter { $0.short == letter }.map(\.long))
      #expect(names == [long], "-\(letter)")
    }
    for spec in tools where spec.name != "agent" {
      let names = Set(spec.flags.map(\.long))
      #expect(names.isSuperset(of: ["cgroup", "json", "verbose"]), "\(spec.name)")
    }
  }
}
