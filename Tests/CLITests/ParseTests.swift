// SPDX-License-Identifier: Apache-2.0
// Command lines that are understood, and what they become.

@testable import CLI
import Config
import Testing

@Suite("a command line becomes typed options")
struct ParseTests {
  private func runqlat(_ line: String) throws -> RunqlatOptions? {
    if case .runqlat(let options) = try Command.parse(words("runqlat " + line)) {
      options
    } else {
      nil
    }
  }

  private func execsnoop(_ line: String) throws -> ExecsnoopOptions? {
    if case .execsnoop(let options) = try Command.parse(words("execsnoop " + line)) {
      options
    } else {
      nil
    }
  }

  @Test("letters may stand together, and an argument may stand on either side of a space")
  func clusters() throws {
    for line in ["-mTp185 1 5", "-m -T -p 185 1 5", "1 5 -mT --pid=185", "1 -Tm 5 --pid 185"] {
      let options = try #require(try runqlat(line))
      #expect(options.milliseconds && options.timestamp, "\(line)")
      #expect(options.pid == 185, "\(line)")
      #expect(options.intervalSeconds == 1 && options.count == 5, "\(line)")
      #expect(!options.json && !options.verbose && options.cgroup == nil, "\(line)")
    }
  }

  @Test("-P, -L and --pidnss choose what a histogram stands for")
  func grouping() throws {
    #expect(try runqlat("")?.grouping == .all)
    #expect(try runqlat("-P")?.grouping == .processes)
    #expect(try runqlat("--tids")?.grouping == .threads)
    #expect(try runqlat("--pidnss")?.grouping == .pidNamespaces)
  }

  @Test("every letter of bcc's execsnoop is known")
  func execsnoopLetters() throws {
    let options = try #require(
      try execsnoop("-TtxqUv -u 1000 -n main -l tpkg -c /sys/fs/cgroup/x --max-args 7 --json"))
    #expect(options.time && options.timestamp && options.fails && options.quote)
    #expect(options.printUID && options.verbose && options.json)
    #expect(options.uid == 1000 && options.maxArgs == 7)
    #expect(options.name == "main" && options.line == "tpkg")
    #expect(options.cgroup == "/sys/fs/cgroup/x")
    #expect(try execsnoop("")?.maxArgs == 20)
  }

  @Test("the agent's flags arrive as checked values of the configuration")
  func agentFlags() throws {
    guard
      case .agent(let options) = try Command.parse(
        words("agent --config a.yaml --listen [::]:9464 --otlp-file - --log-level debug"))
    else {
      Issue.record("not the agent")
      return
    }
    #expect(options.configPath == "a.yaml")
    #expect(
      options.flags == [
        .listen: .listen(ListenAddress(address: "::", port: 9464)), .filePath: .text("-"),
        .logLevel: .choice("debug"),
      ])
  }

  @Test("words after -- are arguments, and a lone - is one too")
  func terminator() throws {
    #expect(try runqlat("-- 3")?.intervalSeconds == 3)
    #expect(throws: UsageError.self) { try Command.parse(["runqlat", "--", "-m"]) }
    #expect(throws: UsageError.self) { try Command.parse(["runqlat", "-"]) }
  }

  @Test("help is given wherever it is asked for, even beside missing arguments")
  func help() throws {
    for line in ["--help", "-h", "-?", "help"] {
      #expect(try Command.parse(words(line)) == .help(nil), "\(line)")
    }
    for line in ["config --help", "config -h", "config -?", "help config"] {
      #expect(try Command.parse(words(line)) == .helpGroup("config"), "\(line)")
    }
    for line in ["completion --help", "completion -h", "completion -?", "help completion"] {
      #expect(try Command.parse(words(line)) == .help(CommandTable.completion), "\(line)")
    }
    #expect(try Command.parse(words("help config check")) == .help(CommandTable.configCheck))
  }

  @Test("the small commands")
  func small() throws {
    #expect(try Command.parse(["version"]) == .version)
    #expect(try Command.parse(["--version"]) == .version)
    #expect(try Command.parse(["-V"]) == .version)
    #expect(try Command.parse(["completion", "zsh"]) == .completion(.zsh))
    #expect(
      try Command.parse(["doctor", "--json"])
        == .doctor(DoctorOptions(json: true, agent: AgentOptions(configPath: nil, flags: [:]))))
    #expect(
      try Command.parse(["config", "print"])
        == .configPrint(AgentOptions(configPath: nil, flags: [:])))
  }

  @Test("every command of the table can be parsed")
  func everyCommand() throws {
    for spec in CommandTable.all {
      let arguments = spec.positionals.filter(\.isRequired).map { positional in
        if case .word(let choices) = positional.type { choices[0] } else { "1" }
      }
      _ = try Command.parse(words(spec.name) + arguments)
    }
  }
}
