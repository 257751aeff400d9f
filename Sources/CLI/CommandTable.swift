// SPDX-License-Identifier: Apache-2.0
// The subcommands. Letters and names of options are those of bcc's tools where one exists.

internal import Config

package enum CommandTable {
  package static let all: [CommandSpec] = [
    agent, execsnoop, runqlat, doctor, configCheck, configPrint, version, completion, help,
  ]

  package static func named(_ name: String) -> CommandSpec? { all.first { $0.name == name } }

  /// Whether this first word, such as `config`, needs a second one.
  static func isGroup(_ word: String) -> Bool { all.contains { $0.name.hasPrefix(word + " ") } }

  private static let pidMax = 4_194_304
  private static let tracing: [ExitCode] = [.ok, .failure, .usage, .unavailable]

  /// The flags that the configuration's table declares.
  private static let configuration: [FlagSpec] =
    [
      FlagSpec(
        "config", nil, Argument(placeholder: "FILE", type: .file), "Read this configuration")
    ]
    + OptionTable.rows.compactMap { row in
      row.flag.map {
        FlagSpec(
          $0.name, nil, Argument(placeholder: $0.placeholder, type: .option(row.key)), row.summary)
      }
    }
  private static let json = FlagSpec("json", nil, nil, "Print one JSON object per line")
  private static let verbose = FlagSpec("verbose", "v", nil, "Print what libbpf says")
  private static let cgroup = FlagSpec(
    "cgroup", "c", Argument(placeholder: "CGROUP", type: .directory),
    "Only tasks in or below this cgroup, as /sys/fs/cgroup/system.slice")

  static let agent = CommandSpec(
    name: "agent", summary: "Watch this node and export what it does",
    paragraph: """
      Loads the probes, serves /metrics, and sends OTLP logs and metrics to the endpoint that the
      configuration or the OTEL_* variables name. Without an endpoint it writes OTLP JSON lines to
      the file asked for, or shows a live summary. Flags win over the environment, the environment
      over the file, the file over the defaults; 'apus config print' shows every option. No file is
      read unless --config names one. SIGTERM flushes and leaves nothing behind.
      """,
    flags: configuration,
    examples: [
      Example(
        command: "apus agent --otlp-file - --listen off",
        meaning: "print every exec and the run-queue histograms as OTLP JSON lines"),
      Example(
        command: "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318 apus agent",
        meaning: "send logs and metrics to a collector over HTTP"),
    ],
    exitCodes: ExitCode.allCases)

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
      FlagSpec(
        "uid", "u", Argument(placeholder: "UID", type: .integer(0...4_294_967_294)),
        "Only this user id"),
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
      verbose, cgroup, json,
    ],
    examples: [
      Example(command: "apus execsnoop -xT", meaning: "every exec with its time, failed ones too"),
      Example(command: "apus execsnoop -n ssh --json", meaning: "programs named ssh, as JSON"),
    ],
    exitCodes: tracing)

  static let runqlat = CommandSpec(
    name: "runqlat", summary: "Show how long tasks wait for a CPU, as a histogram",
    paragraph: """
      Measures the time from runnable to running (wake-ups, new tasks, and tasks that were
      preempted) in the kernel, and prints a histogram every INTERVAL seconds, COUNT times, or once
      at Ctrl-C.
      """,
    positionals: [
      PositionalSpec(
        name: "INTERVAL", type: .integer(1...86_400), isRequired: false,
        help: "Seconds between histograms; one at Ctrl-C if not given"),
      PositionalSpec(
        name: "COUNT", type: .integer(1...1_000_000_000), isRequired: false,
        help: "How many histograms; until Ctrl-C if not given"),
    ],
    flags: [
      FlagSpec("timestamp", "T", nil, "Include the time of day"),
      FlagSpec("milliseconds", "m", nil, "Count in milliseconds, not microseconds"),
      FlagSpec("pids", "P", nil, "One histogram per process"),
      FlagSpec("tids", "L", nil, "One histogram per thread"),
      FlagSpec("pidnss", nil, nil, "One histogram per PID namespace"),
      FlagSpec(
        "pid", "p", Argument(placeholder: "PID", type: .integer(1...pidMax)), "Only this process"),
      FlagSpec("exponential", nil, nil, "Draw the eight finer buckets in each power of two"),
      verbose, cgroup, json,
    ],
    examples: [
      Example(command: "apus runqlat 1 5", meaning: "five histograms, one each second"),
      Example(
        command: "apus runqlat -mT -p 185 10",
        meaning: "process 185 in milliseconds, with the time, every ten seconds"),
    ],
    exitCodes: tracing)

  static let doctor = CommandSpec(
    name: "doctor", summary: "Say what works on this machine, and why not the rest",
    paragraph: """
      Checks the kernel, BTF, lockdown and capabilities, attaches each probe for a moment to see
      which hooks it takes, and prints the loss ledger of a running agent from its /metrics. Exits
      with 4 when something that Apus needs is missing; a warning is no reason.
      """,
    flags: [json],
    examples: [
      Example(command: "apus doctor", meaning: "a report to read"),
      Example(command: "apus doctor --json", meaning: "the same for a program"),
    ],
    exitCodes: [.ok, .failure, .usage, .unavailable])

  static let configCheck = CommandSpec(
    name: "config check", summary: "Say whether the agent would accept this configuration",
    paragraph: """
      Reads the file, the OTEL_* variables and the flags exactly as the agent would, prints what is
      wrong with place, key and what would be right, and starts nothing. A wrong file or flag is an
      error; a wrong variable is a warning, which leaves the exit code 0.
      """,
    flags: configuration,
    examples: [
      Example(command: "apus config check --config apus.yaml", meaning: "check one file"),
      Example(
        command: "OTEL_METRIC_EXPORT_INTERVAL=10s apus config check",
        meaning: "check the environment: a wrong variable is a warning, and not used"),
    ],
    exitCodes: [.ok, .usage, .configuration])

  static let configPrint = CommandSpec(
    name: "config print", summary: "Print the configuration in effect, with sources",
    paragraph: """
      Prints every option as YAML with its effective value and, in a comment, the source: default,
      file and line, variable or flag. Header values are secrets and are printed as ***.
      """,
    flags: configuration,
    examples: [
      Example(command: "apus config print", meaning: "the defaults and what the environment says"),
      Example(
        command: "apus config print --config apus.yaml --listen off",
        meaning: "what an agent started so would use"),
    ],
    exitCodes: [.ok, .usage, .configuration])

  static let version = CommandSpec(
    name: "version", summary: "Print the version", paragraph: "Prints name and version.",
    examples: [
      Example(command: "apus version", meaning: "print it"),
      Example(command: "apus --version", meaning: "the same"),
    ],
    exitCodes: [.ok, .usage])

  static let completion = CommandSpec(
    name: "completion", summary: "Print a completion script for a shell",
    paragraph: "Prints a script that teaches the shell the commands and options of apus.",
    positionals: [
      PositionalSpec(
        name: "SHELL", type: .word(choices: Shell.allCases.map(\.rawValue)), isRequired: true,
        help: oneOf(Shell.allCases.map(\.rawValue)))
    ],
    examples: [
      Example(
        command: "apus completion bash > /etc/bash_completion.d/apus", meaning: "for every user"),
      Example(command: "apus completion fish | source", meaning: "for this session of fish"),
    ],
    exitCodes: [.ok, .usage])

  static let help = CommandSpec(
    name: "help", summary: "Print the help of a command",
    paragraph: "Prints the list of commands, or the help of the one named.",
    positionals: [
      PositionalSpec(name: "COMMAND", type: .text, isRequired: false, help: "One of the commands")
    ],
    examples: [
      Example(command: "apus help", meaning: "the list of commands"),
      Example(command: "apus help runqlat", meaning: "one of them"),
    ],
    exitCodes: [.ok, .usage])
}
