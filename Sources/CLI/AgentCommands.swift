// SPDX-License-Identifier: Apache-2.0
// `apus agent` and `apus config`, whose options are those of the configuration's own table.

package import Config

/// For the agent and for `config`, which read the configuration alike.
package struct AgentOptions: Equatable, Sendable {
  package let configPath: String?
  /// Already checked; handed to `Settings.load`.
  package let flags: [OptionKey: Value]
  /// Only `config` has it.
  package let json: Bool

  package init(configPath: String?, flags: [OptionKey: Value], json: Bool = false) {
    self.configPath = configPath
    self.flags = flags
    self.json = json
  }
}

extension AgentOptions {
  init(_ parsed: ParsedWords, json: Bool = false) {
    self.init(configPath: parsed.text("config"), flags: parsed.optionValues, json: json)
  }
}

extension CommandTable {
  /// The flags that the configuration's table declares.
  static let configuration: [FlagSpec] =
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

  static let agent = CommandSpec(
    name: "agent", summary: "Watch this node and export what it does",
    paragraph: """
      Loads the probes, serves /metrics, and sends OTLP logs and metrics to the endpoint that the
      configuration or the OTEL_* variables name. Without an endpoint it writes OTLP JSON lines to
      the file asked for, or shows a live summary. Flags win over the environment, the environment
      over the file, the file over the defaults; 'apus config print' shows every option. No file is
      read unless --config names one. SIGTERM flushes and takes all out of the kernel.
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

  static let configCheck = CommandSpec(
    name: "config check", summary: "Say whether the agent would accept this configuration",
    paragraph: """
      Reads the file, the OTEL_* variables and the flags exactly as the agent would, prints all that
      is wrong with place, key and what would be right, and starts nothing. A wrong file or flag is
      an error; a wrong variable is a warning, which leaves the exit code 0.
      """,
    flags: configuration + [json],
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
      file and line, variable or flag. Header values and what comes of ${env:NAME} and ${file:PATH}
      are secrets and are printed as ***.
      """,
    flags: configuration + [json],
    examples: [
      Example(command: "apus config print", meaning: "the defaults and what the environment says"),
      Example(
        command: "apus config print --config apus.yaml --listen off",
        meaning: "what an agent started so would use"),
    ],
    exitCodes: [.ok, .usage, .configuration])

  static let configSchema = CommandSpec(
    name: "config schema", summary: "Print the JSON Schema of a configuration file",
    paragraph: """
      Prints a JSON Schema (2020-12) of all keys with types, ranges, defaults and descriptions, made
      from the table that the agent reads files with. Editors check and complete a file with it.
      """,
    examples: [
      Example(command: "apus config schema > apus.schema.json", meaning: "keep it for an editor"),
      Example(command: "apus config schema | jq .properties.listen", meaning: "look at one key"),
    ],
    exitCodes: [.ok, .usage])
}
