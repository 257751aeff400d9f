// SPDX-License-Identifier: Apache-2.0
// Help and completions say what the tables say.

@testable import CLI
import Testing

@Suite("help")
struct HelpTests {
  @Test("every option, argument, example and exit code of a command is in its help")
  func complete() {
    for spec in CommandTable.all {
      let text = spec.helpText
      let flat = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      let paragraph = spec.paragraph.replacing("\n", with: " ")
      #expect(flat.contains(paragraph), "\(spec.name)")
      if let note = spec.note { #expect(flat.contains(note.replacing("\n", with: " "))) }
      for flag in spec.allFlags {
        #expect(text.contains("--\(flag.long)"), "\(spec.name) --\(flag.long)")
        #expect(flat.contains(flag.help), "\(spec.name) --\(flag.long)")
        if let short = flag.short { #expect(text.contains("  -\(short), --\(flag.long)")) }
        if let argument = flag.argument {
          #expect(text.contains("--\(flag.long) \(argument.placeholder)"))
        }
      }
      for positional in spec.positionals { #expect(text.contains(positional.name)) }
      #expect(spec.examples.count == 2, "\(spec.name)")
      for example in spec.examples {
        #expect(text.contains("  \(example.command)\n      \(example.meaning)\n"))
      }
      for code in spec.exitCodes { #expect(text.contains("  \(code.rawValue)  \(code.meaning)\n")) }
      #expect(CommandTable.overview.contains("  \(spec.name) "), "\(spec.name)")
    }
  }

  @Test("the help of a group is its commands")
  func group() {
    #expect(CommandTable.groups.keys.allSatisfy { !CommandTable.nested($0).isEmpty })
    #expect(
      CommandTable.all.allSatisfy {
        !$0.name.contains(" ") || CommandTable.groups[words($0.name)[0]] != nil
      })
    #expect(
      CommandTable.overview(of: "config") == """
        apus config - Check, print or explain the configuration

        Usage: apus config COMMAND [OPTIONS]

        Commands:
          config check   \(CommandTable.configCheck.summary)
          config print   \(CommandTable.configPrint.summary)
          config schema  \(CommandTable.configSchema.summary)

        'apus help config COMMAND' explains one of them.

        """)
  }

  @Test("help fits a terminal of 80 columns")
  func width() {
    for text in CommandTable.all.map(\.helpText) + [CommandTable.overview] {
      for line in text.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    }
  }

  @Test("the examples of the help are command lines that parse")
  func examplesParse() throws {
    for example in CommandTable.all.flatMap(\.examples) {
      var line = words(example.command).drop { $0.contains("=") && !$0.hasPrefix("-") }
      #expect(line.popFirst() == "apus", "\(example.command)")
      _ = try Command.parse(Array(line.prefix { $0 != ">" && $0 != "|" }))
    }
  }

  @Test("one command's options have distinct names and letters")
  func distinct() {
    for spec in CommandTable.all {
      #expect(Set(spec.allFlags.map(\.long)).count == spec.allFlags.count, "\(spec.name)")
      let letters = spec.allFlags.compactMap(\.short)
      #expect(Set(letters).count == letters.count, "\(spec.name)")
    }
  }

  @Test("the exit codes are these six")
  func exitCodes() {
    #expect(ExitCode.allCases.map(\.rawValue) == [0, 1, 2, 3, 4, 5])
  }
}

@Suite("completions")
struct CompletionTests {
  @Test("every script names every command and option", arguments: Shell.allCases)
  func complete(shell: Shell) {
    let script = shell.completionScript
    for spec in CommandTable.all {
      for word in words(spec.name) { #expect(script.contains(word)) }
      for flag in spec.allFlags {
        #expect(script.contains(shell == .fish ? "-l \(flag.long)" : "--\(flag.long)"))
      }
    }
  }

  @Test("bash loads the script and registers it")
  func bash() throws {
    try withFile(Shell.bash.completionScript) { path in
      #expect(shell("bash -n \(path)").code == 0)
      let loaded = shell("bash -c 'source \(path); complete -p apus'")
      #expect(loaded.code == 0)
      #expect(loaded.output == "complete -F _apus apus\n")
    }
  }

  @Test(
    "bash completes commands, nested commands, options and their arguments",
    arguments: [
      ("apus ru", "runqlat"), ("apus config ch", "check"), ("apus agent --li", "--listen"),
      ("apus agent --log-level d", "debug"), ("apus completion f", "fish"),
      ("apus agent --log-level = w", "warn"), ("apus config print --otlp", "--otlp-file"),
      ("apus help doc", "doctor"), ("apus man tcpr", "tcpretrans"), ("apus biol", "biolatency"),
      ("apus help con", "config"), ("apus help config c", "check"),
      ("apus man config \"\"", "check print schema --help"), ("apus help doctor \"\"", "--help"),
      ("apus tcpconnect --buffer p", "perf"), ("apus tcpretrans --loss", "--lossprobe"),
      ("apus biolatency --dis", "--disks --disk"),
    ])
  func bashCompletes(line: String, expected: String) throws {
    try withFile(Shell.bash.completionScript) { path in
      let count = words(line).count - 1
      let result = shell(
        "bash -c 'source \(path); COMP_WORDS=(\(line)); COMP_CWORD=\(count); _apus; "
          + "echo ${COMPREPLY[*]}'")
      #expect(result.output == expected + "\n")
    }
  }

  @Test("zsh reads the script", .enabled(if: isInstalled("zsh")))
  func zsh() throws {
    try withFile(Shell.zsh.completionScript) { path in
      #expect(shell("zsh -n \(path)").code == 0)
      let loaded = shell(
        "zsh -f -c 'autoload -U compinit && compinit -u -D && source \(path) && "
          + "echo ${_comps[apus]}'")
      #expect(loaded.output == "_apus\n")
    }
  }

  @Test(
    "fish completes commands, nested commands, options and their arguments",
    .enabled(if: isInstalled("fish")),
    arguments: [
      ("apus ru", "runqlat"), ("apus config ch", "check"), ("apus agent --li", "--listen"),
      ("apus agent --log-level d", "debug"), ("apus completion f", "fish"),
      ("apus man tcpr", "tcpretrans"), ("apus tcpconnect --buffer p", "perf"),
      ("apus tcpretrans --loss", "--lossprobe"), ("apus help con", "config"),
      ("apus help config c", "check"), ("apus man config s", "schema"), ("apus man doctor d", ""),
    ])
  func fish(line: String, expected: String) throws {
    try withFile(Shell.fish.completionScript) { path in
      #expect(shell("fish -n \(path)").code == 0)
      let result = shell("fish --no-config -c 'source \(path); complete -C \"\(line)\"'")
      let candidates = result.output.split(separator: "\n").map { $0.prefix { $0 != "\t" } }
      #expect(candidates == (expected.isEmpty ? [] : [expected[...]]))
    }
  }
}
