// SPDX-License-Identifier: Apache-2.0
// Completion scripts, written from the command table; no shell asks the binary at run time.

internal import Config

extension Shell {
  package var completionScript: String {
    switch self {
    case .bash: BashCompletion.script
    case .zsh: ZshCompletion.script
    case .fish: FishCompletion.script
    }
  }
}

/// What may follow an option or stand as an argument.
private enum Candidates {
  case words([String])
  case file
  case directory
  case nothing

  init(_ type: ArgumentType) {
    switch type {
    case .word(let choices): self = .words(choices)
    case .file: self = .file
    case .directory: self = .directory
    case .integer, .integers, .text: self = .nothing
    case .option(let key):
      let valueType = OptionTable.row(key).type
      self =
        if let choices = valueType.choices {
          .words(choices)
        } else if valueType == .path {
          .file
        } else if valueType == .listen {
          .words(["off"])
        } else {
          .nothing
        }
    }
  }
}

/// First words: `config` once for its commands.
private var firstWords: [(word: String, summary: String)] {
  var words: [(word: String, summary: String)] = []
  for spec in CommandTable.all {
    let word = String(spec.name.prefix { $0 != " " })
    if words.last?.word == word { continue }
    words.append((word, CommandTable.groups[word] ?? spec.summary))
  }
  return words
}

/// First words that need a second one, with those.
private let groups: [(word: String, nested: [CommandSpec])] = firstWords.map(\.word)
  .map { ($0, CommandTable.nested($0)) }.filter { !$0.1.isEmpty }

/// The second words alone.
private func tails(_ group: (word: String, nested: [CommandSpec])) -> String {
  group.nested.map { String($0.name.dropFirst(group.word.count + 1)) }.joined(separator: " ")
}

/// What stands first among a command's arguments.
private func argumentWords(_ spec: CommandSpec) -> [String] {
  if CommandTable.takesCommand(spec) { return firstWords.map(\.word) }
  guard let first = spec.positionals.first, case .words(let words) = Candidates(first.type) else {
    return []
  }
  return words
}

extension FlagSpec {
  fileprivate var spellings: [String] { (short.map { ["-\($0)"] } ?? []) + ["--\(long)"] }
}

private enum BashCompletion {
  static var script: String {
    var out = """
      # bash completion for apus
      _apus() {
        local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
        local command=${COMP_WORDS[1]}
        # Bash splits --option=argument into three words.
        if [ "$word" = "=" ]; then word=
        elif [ "$previous" = "=" ]; then previous=${COMP_WORDS[COMP_CWORD-2]}; fi
        COMPREPLY=()
        if [ "$COMP_CWORD" -eq 1 ]; then
          COMPREPLY=($(compgen -W "\(firstWords.map(\.word).joined(separator: " "))" -- "$word"))
          return
        fi

      """
    for group in groups {
      out += """
          if [ "$command" = \(group.word) ]; then
            if [ "$COMP_CWORD" -eq 2 ]; then
              COMPREPLY=($(compgen -W "\(tails(group))" -- "$word"))
              return
            fi
            command="\(group.word) ${COMP_WORDS[2]}"
          fi

        """
    }
    out += "  case \"$command\" in\n"
    for spec in CommandTable.all { out += branch(spec) }
    return out + "  esac\n}\ncomplete -F _apus apus\n"
  }

  private static func branch(_ spec: CommandSpec) -> String {
    var out = "  \"\(spec.name)\")\n    case \"$previous\" in\n"
    for flag in spec.allFlags {
      guard let argument = flag.argument else { continue }
      let action =
        switch Candidates(argument.type) {
        case .words(let words):
          "COMPREPLY=($(compgen -W \"\(words.joined(separator: " "))\" -- \"$word\"))"
        // Readline's own completion, which knows of quotes, blanks and the slash of a directory.
        case .file: "compopt -o default"
        case .directory: "compopt -o dirnames"
        case .nothing: ":"
        }
      out += "    \(flag.spellings.joined(separator: "|"))) \(action); return ;;\n"
    }
    let options = spec.allFlags.map { "--\($0.long)" }.joined(separator: " ")
    out += "    esac\n"
    var words = argumentWords(spec).joined(separator: " ")
    if CommandTable.takesCommand(spec) {
      out += "    local commands=\n    case \"$COMP_CWORD ${COMP_WORDS[2]}\" in\n"
      for group in groups { out += "    \"3 \(group.word)\") commands=\"\(tails(group))\" ;;\n" }
      out += "    \"2 \"*) commands=\"\(words)\" ;;\n    esac\n"
      words = "$commands"
    }
    return out + "    COMPREPLY=($(compgen -W \"\(words) \(options)\" -- \"$word\")) ;;\n"
  }
}

private enum ZshCompletion {
  static var script: String {
    var out = """
      #compdef apus
      # zsh completion for apus
      _apus() {
        local command=$words[2]
        if (( CURRENT == 2 )); then
          local -a commands=(
      \(firstWords.map { "      \(single("\($0.word):\($0.summary)"))" }.joined(separator: "\n"))
          )
          _describe command commands
          return
        fi

      """
    for (word, nested) in groups {
      let rows = nested.map { single("\($0.name.dropFirst(word.count + 1)):\($0.summary)") }
        .joined(separator: " ")
      out += """
          if [[ $command == \(word) ]]; then
            if (( CURRENT == 3 )); then
              local -a nested=(\(rows))
              _describe command nested
              return
            fi
            command="\(word) $words[3]"
            shift words
            (( CURRENT-- ))
          fi

        """
    }
    out += "  shift words\n  (( CURRENT-- ))\n  case $command in\n"
    for spec in CommandTable.all {
      var arguments = spec.allFlags.flatMap(flag)
      if spec.positionals.isEmpty == false {
        let words = argumentWords(spec)
        let action = words.isEmpty ? " " : "(\(words.joined(separator: " ")))"
        arguments.append(single("1:\(spec.positionals[0].name):\(action)"))
        for positional in spec.positionals.dropFirst() {
          arguments.append(single(":\(positional.name): "))
        }
        if CommandTable.takesCommand(spec) {
          let choices = groups.map { "\($0.word)) compadd \(tails($0)) ;;" }.joined(separator: " ")
          arguments.append(single("2::COMMAND:{ case $words[2] in \(choices) esac }"))
        }
      }
      out += "  \(single(spec.name)))\n    _arguments -s \\\n"
      out += arguments.map { "      \($0)" }.joined(separator: " \\\n") + " ;;\n"
    }
    // Sourced, it registers itself; as an autoloaded file it is the function's body.
    return out + """
        esac
      }
      if [[ $funcstack[1] == _apus ]]; then _apus "$@"; else compdef _apus apus; fi

      """
  }

  private static func flag(_ flag: FlagSpec) -> [String] {
    let help = flag.help.replacing("[", with: "(").replacing("]", with: ")")
    var tail = ""
    if let argument = flag.argument {
      let action =
        switch Candidates(argument.type) {
        case .words(let words): "(\(words.joined(separator: " ")))"
        case .file: "_files"
        case .directory: "_files -/"
        case .nothing: " "
        }
      tail = ":\(argument.placeholder.replacing(":", with: "\\:")):\(action)"
    }
    return flag.spellings.map { spelling in
      let suffix = flag.argument == nil ? "" : spelling.hasPrefix("--") ? "=" : "+"
      return single("\(spelling)\(suffix)[\(help)]\(tail)")
    }
  }
}

private enum FishCompletion {
  static var script: String {
    var out = "# fish completion for apus\ncomplete -c apus -f\n"
    for (word, summary) in firstWords {
      out += "complete -c apus -n __fish_use_subcommand -a \(word) -d \(single(summary))\n"
    }
    // Also after `help config`.
    for group in groups {
      let isOpen =
        "__fish_seen_subcommand_from \(group.word); and not __fish_seen_subcommand_from "
        + tails(group)
      for spec in group.nested {
        let name = spec.name.dropFirst(group.word.count + 1)
        out += "complete -c apus -n \(single(isOpen)) -a \(name) -d \(single(spec.summary))\n"
      }
    }
    let others = firstWords.map(\.word).filter { word in
      !CommandTable.all.contains { $0.name == word && CommandTable.takesCommand($0) }
    }.joined(separator: " ")
    for spec in CommandTable.all {
      let condition = spec.name.split(separator: " ")
        .map { "__fish_seen_subcommand_from \($0)" }.joined(separator: "; and ")
      let head = "complete -c apus -n \(single(condition))"
      let words = argumentWords(spec)
      if !words.isEmpty {
        let isOpen =
          CommandTable.takesCommand(spec) ? "; and not __fish_seen_subcommand_from \(others)" : ""
        out +=
          "complete -c apus -n \(single(condition + isOpen)) "
          + "-a \(single(words.joined(separator: " ")))\n"
      }
      for flag in spec.allFlags { out += "\(head) \(option(flag))\n" }
    }
    return out
  }

  private static func option(_ flag: FlagSpec) -> String {
    var out = (flag.short.map { "-s \($0) " } ?? "") + "-l \(flag.long)"
    if let argument = flag.argument {
      switch Candidates(argument.type) {
      case .words(let words): out += " -x -a \(single(words.joined(separator: " ")))"
      case .file: out += " -r -F"
      case .directory: out += " -x -a '(__fish_complete_directories)'"
      case .nothing: out += " -x"
      }
    }
    return out + " -d \(single(flag.help))"
  }
}

/// A single-quoted word of the shell; none of our texts holds a backslash at its end.
private func single(_ text: some StringProtocol) -> String {
  "'" + String(text).replacing("'", with: "'\\''") + "'"
}
