// SPDX-License-Identifier: Apache-2.0
// Man pages are sound troff, and say what the tables say.

@testable import CLI
import Glibc
import Testing

@Suite("man pages")
struct ManPageTests {
  static let names = ["apus"] + CommandTable.all.map(\.manName)

  private func source(_ name: String) -> String {
    CommandTable.all.first { $0.manName == name }?.manPage(version: "1.2.3")
      ?? CommandTable.manPage(version: "1.2.3")
  }

  @Test("mandoc has nothing to warn of", .enabled(if: isInstalled("mandoc")), arguments: names)
  func lint(name: String) throws {
    try withFile(source(name)) { path in
      let result = shell("mandoc -T lint -W warning \(path)")
      #expect(result.output == "", "\(name)")
      #expect(result.code == 0, "\(name)")
    }
  }

  @Test("man shows every section", .enabled(if: isInstalled("man")), arguments: names)
  func renders(name: String) throws {
    try withFile(source(name)) { path in
      let result = shell("LC_ALL=C MANWIDTH=80 man -l \(path)")
      #expect(result.code == 0, "\(name)")
      let headings = result.output.split(separator: "\n").filter { $0.first?.isLetter == true }
      #expect(
        headings.dropFirst().dropLast() == [
          "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "SEE ALSO",
        ], "\(name)")
      #expect(headings.first?.hasPrefix("\(name.uppercased())(1)") == true, "\(name)")
      #expect(headings.last?.hasPrefix("apus 1.2.3") == true, "\(name)")
    }
  }

  @Test("a page has every option, argument, example and exit code of its command")
  func complete() {
    for spec in CommandTable.all {
      let source = plain(spec.manPage(version: "1.2.3"))
      let flat = source.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      #expect(flat.contains(spec.paragraph.replacing("\n", with: " ")), "\(spec.name)")
      if let note = spec.note { #expect(flat.contains(note.replacing("\n", with: " "))) }
      for flag in spec.allFlags {
        let short = flag.short.map { "\\fB-\($0)\\fR, " } ?? ""
        let argument = flag.argument.map { " \\fI\($0.placeholder)\\fR" } ?? ""
        let item = ".TP\n\(short)\\fB--\(flag.long)\\fR\(argument)\n"
        #expect(source.contains(item), "\(spec.name) --\(flag.long)")
        #expect(flat.contains(flag.help), "\(spec.name) --\(flag.long)")
      }
      for positional in spec.positionals {
        #expect(source.contains(".TP\n\\fI\(positional.name)\\fR\n"))
      }
      for example in spec.examples {
        #expect(source.contains(".TP\n\\fB\(example.command)\\fR\n"))
        #expect(flat.contains(example.meaning))
      }
      for code in spec.exitCodes {
        #expect(source.contains("\\fB\(code.rawValue)\\fR\n\(code.meaning)\n"))
      }
    }
    let overview = plain(CommandTable.manPage(version: "1.2.3"))
    for spec in CommandTable.all {
      #expect(overview.contains("\\fBapus \(spec.name)\\fR\n\(spec.summary)\n"))
      #expect(overview.contains(".BR \(spec.manName) (1)"))
    }
  }

  @Test("what troff would change is escaped, and no line is taken for a macro")
  func escapes() {
    let spec = CommandSpec(
      name: "x", summary: "Y", paragraph: ".dot 'quote' a\\b ^~` -1", examples: [], exitCodes: [])
    let source = spec.manPage(version: "1")
    #expect(source.contains("\n\\&.dot \\(aqquote\\(aq a\\eb \\(ha\\(ti\\(ga \\-1\n"))
  }

  @Test("apus man takes a command as apus help does")
  func parse() throws {
    #expect(try Command.parse(["man"]) == .man(nil))
    #expect(try Command.parse(["man", "config"]) == .man(nil))
    #expect(try Command.parse(["man", "tcpretrans"]) == .man(CommandTable.tcpretrans))
    #expect(try Command.parse(["man", "config", "check"]) == .man(CommandTable.configCheck))
  }
}

/// Without the escapes for single characters.
private func plain(_ source: String) -> String {
  source.replacing("\\-", with: "-").replacing("\\(aq", with: "'").replacing("\\&", with: "")
}
