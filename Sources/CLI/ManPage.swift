// SPDX-License-Identifier: Apache-2.0
// Man pages in the macros of man(7), written from the same tables as the help.

extension CommandSpec {
  /// `apus-config-check`: how man finds the page, and a file of it is named.
  package var manName: String { "apus-" + name.replacing(" ", with: "-") }

  package func manPage(version: String) -> String {
    var page = ManPage(manName, version, summary: summary.lowercasedFirst)
    page.section("SYNOPSIS")
    let words = positionals.map { $0.isRequired ? italic($0.name) : "[\(italic($0.name))]" }
    page.raw(([bold("apus \(name)"), "[\(italic("OPTIONS"))]"] + words).joined(separator: " "))
    page.section("DESCRIPTION")
    page.text(paragraph)
    if let note {
      page.raw(".PP")
      page.text(note)
    }
    page.section("OPTIONS")
    for positional in positionals {
      page.item(italic(positional.name), positional.help + Self.range(positional.type))
    }
    for flag in allFlags {
      var head = (flag.short.map { ["-\($0)"] } ?? []) + ["--\(flag.long)"]
      head = head.map(bold)
      let argument = flag.argument.map { " " + italic($0.placeholder) } ?? ""
      page.item(
        head.joined(separator: ", ") + argument, flag.help + Self.range(flag.argument?.type))
    }
    page.section("EXAMPLES")
    for example in examples { page.item(bold(example.command), example.meaning) }
    page.section("EXIT STATUS")
    for code in exitCodes { page.item(bold("\(code.rawValue)"), code.meaning) }
    page.seeAlso(["apus(1)"] + models)
    return page.source
  }
}

extension CommandTable {
  /// The page of apus itself, which lists the others.
  package static func manPage(version: String) -> String {
    var page = ManPage("apus", version, summary: summary)
    page.section("SYNOPSIS")
    page.raw("\(bold("apus")) \(italic("COMMAND")) [\(italic("OPTIONS"))]")
    page.section("DESCRIPTION")
    page.text(
      """
      Each command has a page of its own, such as apus-runqlat(1), and --help. The tools need the
      capabilities that reading the kernel with BPF takes, and say which of them are missing.
      """)
    for spec in all { page.item(bold("apus \(spec.name)"), spec.summary) }
    page.section("OPTIONS")
    page.item([bold("-h"), bold("--help")].joined(separator: ", "), "Print the list of commands")
    page.item([bold("-V"), bold("--version")].joined(separator: ", "), "Print the version")
    page.section("EXAMPLES")
    for example in tools.compactMap(\.examples.first) {
      page.item(bold(example.command), example.meaning)
    }
    page.section("EXIT STATUS")
    for code in ExitCode.allCases { page.item(bold("\(code.rawValue)"), code.meaning) }
    page.seeAlso(all.map { "\($0.manName)(1)" })
    return page.source
  }
}

/// Troff source as it grows.
private struct ManPage {
  /// A page must bear a date: that of the last change to what the pages say.
  private static let date = "2026-11-25"

  private(set) var source: String

  init(_ name: String, _ version: String, summary: String) {
    source = """
      .\\" SPDX-License-Identifier: Apache-2.0
      .TH \(escaped(name.uppercased())) 1 \(Self.date) "apus \(escaped(version))" Apus
      .SH NAME
      \(escaped(name)) \\- \(escaped(summary))

      """
  }

  mutating func section(_ title: String) { source += ".SH \(title)\n" }
  mutating func raw(_ line: String) { source += line + "\n" }
  mutating func item(_ head: String, _ text: String) {
    source += ".TP\n\(head)\n"
    self.text(text)
  }

  /// Filled to 80 columns, like the help, for whoever reads the source.
  mutating func text(_ text: String) {
    for line in wrapped(text, indent: 0).split(separator: "\n") {
      // A line that begins with a dot would be a macro.
      source += (line.hasPrefix(".") ? "\\&" : "") + escaped(line) + "\n"
    }
  }

  mutating func seeAlso(_ pages: [String]) {
    section("SEE ALSO")
    for (index, page) in pages.enumerated() {
      let name = page.prefix { $0 != "(" }
      let comma = index + 1 < pages.count ? "," : ""
      source += ".BR \(escaped(name)) \(page.dropFirst(name.count))\(comma)\n"
    }
  }
}

private func bold(_ text: String) -> String { "\\fB\(escaped(text))\\fR" }
private func italic(_ text: String) -> String { "\\fI\(escaped(text))\\fR" }

/// What troff would print as something else: a minus as a hyphen, an apostrophe as a quote mark.
private func escaped(_ text: some StringProtocol) -> String {
  var out = ""
  for character in text {
    switch character {
    case "\\": out += "\\e"
    case "-": out += "\\-"
    case "'": out += "\\(aq"
    case "`": out += "\\(ga"
    case "^": out += "\\(ha"
    case "~": out += "\\(ti"
    default: out.append(character)
    }
  }
  return out
}

extension String {
  /// A sentence as what follows the dash of NAME.
  fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
