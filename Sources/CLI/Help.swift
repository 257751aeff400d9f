// SPDX-License-Identifier: Apache-2.0
// `--help` of a command and the list of commands, written from the tables.

internal import Config

extension CommandSpec {
  package var helpText: String {
    var out = "apus \(name) - \(summary)\n\nUsage: \(usage)\n\n"
    out += wrapped(paragraph, indent: 0)
    if let note { out += "\n" + wrapped(note, indent: 0) }
    if !positionals.isEmpty {
      out += "\nArguments:\n"
      out += aligned(positionals.map { ("  \($0.name)", $0.help + Self.range($0.type)) })
    }
    out += "\nOptions:\n"
    out += aligned(allFlags.map { (Self.head($0), $0.help + Self.range($0.argument?.type)) })
    out += "\nExamples:\n"
    for example in examples { out += "  \(example.command)\n      \(example.meaning)\n" }
    out += "\nExit codes:\n"
    for code in exitCodes { out += "  \(code.rawValue)  \(code.meaning)\n" }
    return out
  }

  var usage: String {
    var words = ["apus", name, "[OPTIONS]"]
    words += positionals.map { $0.isRequired ? $0.name : "[\($0.name)]" }
    return words.joined(separator: " ")
  }

  private static func head(_ flag: FlagSpec) -> String {
    let short = flag.short.map { "-\($0), " } ?? "    "
    return "  \(short)--\(flag.long)" + (flag.argument.map { " \($0.placeholder)" } ?? "")
  }

  /// What an argument may be, where its placeholder does not say it.
  static func range(_ type: ArgumentType?) -> String {
    switch type {
    case .integer(let range)?: return " (\(range.lowerBound) to \(range.upperBound))"
    case .integers(let range, let most)?:
      return " (at most \(most), \(range.lowerBound) to \(range.upperBound), as 80,443)"
    case .option(let key)?:
      let row = OptionTable.row(key)
      var words: [String] = []
      if let choices = row.type.choices { words.append(oneOf(choices)) }
      if let fallback = row.fallback {
        words.append("default \(fallback.plain)")
      }
      return words.isEmpty ? "" : " (\(words.joined(separator: "; ")))"
    default: return ""
    }
  }
}

extension CommandTable {
  static let summary = "what this Linux node does, from the kernel"

  package static var overview: String {
    var out = "apus - \(summary)\n\nUsage: apus COMMAND [OPTIONS]\n"
    out += "\nCommands:\n" + aligned(all.map { ("  \($0.name)", $0.summary) })
    out += "\n'apus help COMMAND' explains one of them.\n"
    return out
  }

  /// The help of a group: its commands.
  package static func overview(of group: String) -> String {
    var out = "apus \(group) - \(groups[group] ?? "")\n\nUsage: apus \(group) COMMAND [OPTIONS]\n"
    out += "\nCommands:\n" + aligned(nested(group).map { ("  \($0.name)", $0.summary) })
    out += "\n'apus help \(group) COMMAND' explains one of them.\n"
    return out
  }
}

/// Two columns; a head that is too wide gets a line of its own.
private func aligned(_ rows: [(String, String)]) -> String {
  let widest = min(rows.map(\.0.count).max() ?? 0, 28)
  var out = ""
  for (head, text) in rows {
    let gap = head.count > widest ? "\n" + spaces(widest) : spaces(widest - head.count)
    out += head + gap + "  " + wrapped(text, indent: widest + 2)
  }
  return out
}

/// Words filled to 80 columns, lines after the first indented; ends with a newline.
func wrapped(_ text: String, indent: Int) -> String {
  var out = ""
  var column = indent
  for word in text.split(whereSeparator: \.isWhitespace) {
    if column > indent, column + 1 + word.count > 80 {
      out += "\n" + spaces(indent)
      column = indent
    } else if column > indent {
      out += " "
      column += 1
    }
    out += word
    column += word.count
  }
  return out + "\n"
}
