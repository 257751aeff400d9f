// SPDX-License-Identifier: Apache-2.0
// Command lines that cannot be followed, with the exact sentence for each.

import CLI
import Testing

/// Words of a command line; the tables need no quoting.
func words(_ line: String) -> [String] { line.split(separator: " ").map(String.init) }

@Suite("a wrong command line is refused with what is wrong and what is right")
struct UsageTests {
  static let cases: [(line: String, message: String)] = [
    ("", "no command given; write one such as 'apus agent' or see 'apus help'"),
    ("agnet", "unknown command agnet; did you mean agent?"),
    ("runqlta", "unknown command runqlta; did you mean runqlat?"),
    ("trace", "unknown command trace; see 'apus help'"),
    ("--lisen", "unknown option --lisen; see 'apus help'"),
    (
      "config",
      "config needs one of its commands; "
        + "write 'apus config check' or 'apus config print' or 'apus config schema'"
    ),
    (
      "config --config f",
      "config needs one of its commands; "
        + "write 'apus config check' or 'apus config print' or 'apus config schema'"
    ),
    ("config chek", "unknown command config chek; did you mean config check?"),
    ("config edit", "unknown command config edit; see 'apus help'"),
    ("help agnet", "unknown command agnet; did you mean agent?"),
    ("help config chek", "unknown command config chek; did you mean config check?"),
    ("help man nonsense", "unexpected argument nonsense; see 'apus help --help'"),
    ("help config check x", "unexpected argument x; see 'apus help --help'"),
    ("man runqlat x", "unexpected argument x; see 'apus man --help'"),
    (
      "config check a.yaml",
      "unexpected argument a.yaml; write --config a.yaml if that is the configuration"
    ),
    (
      "agent b.yaml",
      "unexpected argument b.yaml; write --config b.yaml if that is the configuration"
    ),
    (
      "config check --config a.yaml b.yaml",
      "unexpected argument b.yaml; see 'apus config check --help'"
    ),
    ("config schema a.yaml", "unexpected argument a.yaml; see 'apus config schema --help'"),
    ("agent --lisen off", "unknown option --lisen; did you mean --listen?"),
    ("agent --lsiten=off", "unknown option --lsiten; did you mean --listen?"),
    ("agent --frobnicate", "unknown option --frobnicate; see 'apus agent --help'"),
    ("agent -z", "unknown option -z; see 'apus agent --help'"),
    ("agent --listen", "option --listen needs an argument; write --listen ADDR:PORT"),
    ("agent --config --listen off", "option --config needs an argument; write --config FILE"),
    (
      "agent --listen 9464",
      "option --listen: \"9464\" is not an address and port; "
        + "write ADDRESS:PORT such as 127.0.0.1:9464, or off"
    ),
    (
      "agent --listen localhost:9464",
      "option --listen: \"localhost:9464\" does not begin with an IPv4 address or [IPv6 address]; "
        + "write ADDRESS:PORT such as 127.0.0.1:9464, or off"
    ),
    (
      "agent --listen 127.0.0.1:70000",
      "option --listen: port 70000 is out of range; write a port from 0 to 65535"
    ),
    (
      "agent --log-level trace",
      "option --log-level: \"trace\" is not one of the choices; write error, warn, info or debug"
    ),
    (
      "agent --log-level=wran",
      "option --log-level: \"wran\" is not one of the choices; "
        + "write error, warn, info or debug (did you mean warn?)"
    ),
    ("agent --otlp-file=", "option --otlp-file: is empty; write a path, or - for standard output"),
    ("agent --config=", "option --config: is empty; write text"),
    ("agent --listen off --listen off", "option --listen is given twice; give it once"),
    (
      "agent now", "unexpected argument now; write --config now if that is the configuration"
    ),
    (
      "execsnoop -u root",
      "option -u: \"root\" is not a whole number; write a whole number from 0 to 4294967294"
    ),
    (
      "execsnoop --uid -5", "option --uid needs an argument; write --uid UID"
    ),
    (
      "execsnoop --uid=-5",
      "option --uid: \"-5\" is not a whole number; write a whole number from 0 to 4294967294"
    ),
    (
      "execsnoop -u 4294967295",
      "option -u: \"4294967295\" is out of range; write a whole number from 0 to 4294967294"
    ),
    (
      "execsnoop --max-args 0",
      "option --max-args: \"0\" is out of range; write a whole number from 1 to 4096"
    ),
    ("execsnoop --quote=yes", "option --quote takes no argument but has yes; write --quote alone"),
    ("execsnoop --quotes", "unknown option --quotes; did you mean --quote?"),
    ("execsnoop -n", "option -n needs an argument; write -n NAME"),
    ("execsnoop 5", "unexpected argument 5; see 'apus execsnoop --help'"),
    ("runqlat 0", "INTERVAL: \"0\" is out of range; write a whole number from 1 to 86400"),
    ("runqlat 1s", "INTERVAL: \"1s\" is not a whole number; write a whole number from 1 to 86400"),
    (
      "runqlat 1 x", "COUNT: \"x\" is not a whole number; write a whole number from 1 to 1000000000"
    ),
    ("runqlat 1 2 3", "unexpected argument 3; see 'apus runqlat --help'"),
    (
      "runqlat -p 0", "option -p: \"0\" is out of range; write a whole number from 1 to 4194304"
    ),
    (
      "runqlat -p99999999999999999999",
      "option -p: \"99999999999999999999\" is out of range; "
        + "write a whole number from 1 to 4194304"
    ),
    ("runqlat -PL", "options --pids and --tids exclude each other; give one"),
    (
      "runqlat --pidnss --pids", "options --pids and --pidnss exclude each other; give one"
    ),
    (
      "runqlat --exponential -m",
      "options --exponential and --milliseconds exclude each other; give one"
    ),
    ("runqlat --milisecond", "unknown option --milisecond; did you mean --milliseconds?"),
    ("tcpconect", "unknown command tcpconect; did you mean tcpconnect?"),
    ("tcpretran", "unknown command tcpretran; did you mean tcpretrans?"),
    ("biolatncy", "unknown command biolatncy; did you mean biolatency?"),
    ("tcpconnect --fail", "unknown option --fail; did you mean --failed?"),
    ("tcpconnect -46", "options --ipv4 and --ipv6 exclude each other; give one"),
    ("tcpconnect 1", "INTERVAL needs --count; give both or neither"),
    ("tcpconnect --count -t", "options --count and --timestamp exclude each other; give one"),
    ("tcpconnect -U --count", "options --count and --print-uid exclude each other; give one"),
    ("tcpconnect --count --outcome", "options --count and --outcome exclude each other; give one"),
    (
      "tcpconnect -P http",
      "option -P: \"http\" is no list of whole numbers; "
        + "write at most 64 whole numbers from 1 to 65535, with commas between them"
    ),
    (
      "tcpconnect --port 80,,81",
      "option --port: \"80,,81\" is no list of whole numbers; "
        + "write at most 64 whole numbers from 1 to 65535, with commas between them"
    ),
    (
      "tcpconnect -P 80,65536",
      "option -P: 65536 is out of range; "
        + "write at most 64 whole numbers from 1 to 65535, with commas between them"
    ),
    (
      "tcpconnect -P 99999999999999999999",
      "option -P: 99999999999999999999 is out of range; "
        + "write at most 64 whole numbers from 1 to 65535, with commas between them"
    ),
    (
      "tcpconnect -P \((1...65).map { String($0) }.joined(separator: ","))",
      "option -P: there are 65 numbers; "
        + "write at most 64 whole numbers from 1 to 65535, with commas between them"
    ),
    (
      "tcpconnect --buffer rign",
      "option --buffer: \"rign\" is not one of the choices; "
        + "write auto, ring or perf (did you mean ring?)"
    ),
    ("tcpconnect -c", "option -c needs an argument; write -c CGROUP"),
    ("tcpretrans --ipv6 -4", "options --ipv4 and --ipv6 exclude each other; give one"),
    ("tcpretrans 5", "INTERVAL needs --count; give both or neither"),
    ("tcpretrans --count -s", "options --count and --sequence exclude each other; give one"),
    ("tcpretrans --count --comm", "options --count and --comm exclude each other; give one"),
    ("tcpretrans --cause --count", "options --count and --cause exclude each other; give one"),
    ("tcpretrans --lossprobes", "unknown option --lossprobes; did you mean --lossprobe?"),
    ("biolatency -DF", "options --disks and --flag exclude each other; give one"),
    (
      "biolatency -m --exponential",
      "options --exponential and --milliseconds exclude each other; give one"
    ),
    ("biolatency -d", "option -d needs an argument; write -d DISK"),
    ("biolatency --flags", "unknown option --flags; did you mean --flag?"),
    ("biolatency 0", "INTERVAL: \"0\" is out of range; write a whole number from 1 to 86400"),
    ("man agnet", "unknown command agnet; did you mean agent?"),
    ("man config edit", "unknown command config edit; see 'apus help'"),
    ("doctor --jsn", "unknown option --jsn; did you mean --json?"),
    ("version 2", "unexpected argument 2; see 'apus version --help'"),
    ("completion", "SHELL is missing; write bash, zsh or fish"),
    (
      "completion bahs",
      "SHELL: \"bahs\" is not one of the choices; write bash, zsh or fish (did you mean bash?)"
    ),
    ("completion tcsh", "SHELL: \"tcsh\" is not one of the choices; write bash, zsh or fish"),
  ]

  @Test("each wrong command line gets its own sentence", arguments: cases)
  func refused(line: String, message: String) {
    let error = #expect(throws: UsageError.self) { try Command.parse(words(line)) }
    #expect(error?.description == message)
  }

  @Test("control characters of a wrong word do not reach the terminal")
  func escapes() {
    let error = #expect(throws: UsageError.self) { try Command.parse(["agent", "\u{1b}[2Jx"]) }
    #expect(
      error?.description == "unexpected argument \\x1b[2Jx; "
        + "write --config \\x1b[2Jx if that is the configuration")
    let option = #expect(throws: UsageError.self) { try Command.parse(["agent", "--\u{1b}[2J"]) }
    #expect(option?.description == "unknown option --\\x1b[2J; see 'apus agent --help'")
    let command = #expect(throws: UsageError.self) { try Command.parse(["\u{1b}[2J"]) }
    #expect(command?.description == "unknown command \\x1b[2J; see 'apus help'")
  }
}
