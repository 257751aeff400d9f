// SPDX-License-Identifier: Apache-2.0
// Tables drawn over one another, judged by what a terminal would show.

import CLI
import Testing

/// As much of a terminal as the drawing uses; what it does not know fails the test.
private struct Screen {
  var rows: [[Character]]
  private(set) var scrolledOff: [String] = []
  private let width: Int
  private var row = 0
  private var column = 0

  init(width: Int, height: Int) {
    self.width = width
    rows = Array(repeating: [], count: height)
  }

  var text: [String] {
    let lines = rows.map { String($0) }
    return Array(lines.prefix((lines.lastIndex { !$0.isEmpty } ?? -1) + 1))
  }

  mutating func write(_ text: String) {
    var rest = Substring(text)
    while let character = rest.popFirst() {
      switch character {
      case "\n":
        column = 0
        down()
      case "\r": column = 0
      case "\u{1b}":
        let sequence = rest.prefix { !$0.isLetter }
        rest = rest.dropFirst(sequence.count)
        obey(String(sequence), rest.popFirst())
      default:
        // As xterm does: the cursor stays on the last column until the next character.
        if column == width {
          column = 0
          down()
        }
        while rows[row].count <= column { rows[row].append(" ") }
        rows[row][column] = character
        column += 1
      }
    }
  }

  private mutating func down() {
    row += 1
    if row == rows.count {
      scrolledOff.append(String(rows.removeFirst()))
      rows.append([])
      row -= 1
    }
  }

  private mutating func obey(_ parameters: String, _ command: Character?) {
    switch (parameters, command) {
    case ("[", "H"): (row, column) = (0, 0)
    case ("[", "K"): rows[row] = Array(rows[row].prefix(min(column, width - 1)))
    case ("[", "J"):
      rows[row] = Array(rows[row].prefix(column))
      for below in rows.indices.dropFirst(row + 1) { rows[below] = [] }
    case (let count, "A"): row = max(0, row - (Int(count.dropFirst()) ?? .max))
    default:
      Issue.record("the terminal does not know \(parameters)\(command.map(String.init) ?? "")")
    }
  }
}

@Suite("a table in place")
struct LiveTableTests {
  @Test("each frame replaces the one before, whether it is longer or shorter")
  func replaces() {
    var screen = Screen(width: 20, height: 10)
    var table = LiveTable()
    screen.write("above\n")
    for text in ["a\nbb\n", "ccc\n\nd\neeee\n", "f\n", "", "g\nh"] {
      screen.write(table.frame(text, width: 20, height: 10))
      let shown = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      let expected = ["above"] + (shown.last == "" ? shown.dropLast() : shown)
      #expect(screen.text == expected)
    }
    #expect(screen.scrolledOff.isEmpty)
  }

  @Test("a table at the foot of the screen scrolls once, and then stays")
  func scrolls() {
    var screen = Screen(width: 20, height: 4)
    var table = LiveTable()
    screen.write("1\n2\n3\n")
    for round in 1...5 {
      screen.write(table.frame("a\(round)\nb\(round)\n", width: 20, height: 4))
      #expect(screen.text == ["3", "a\(round)", "b\(round)"])
    }
    #expect(screen.scrolledOff == ["1", "2"])
  }

  @Test("lines are cut to the width, and the table to the height with a word on the rest")
  func cuts() {
    var screen = Screen(width: 40, height: 5)
    var table = LiveTable()
    for round in 1...3 {
      let text = (1...9).map { String(repeating: "\($0)", count: 38 + round) }
      screen.write(table.frame(text.joined(separator: "\n"), width: 40, height: 5))
      #expect(
        screen.text == [
          String(text[0].prefix(40)), String(text[1].prefix(40)), String(text[2].prefix(40)),
          "... 6 more lines; a higher terminal show",
        ])
    }
    #expect(screen.scrolledOff.isEmpty)
  }

  @Test("as many lines as fit are all shown, one more is not")
  func boundary() {
    for count in 3...6 {
      var table = LiveTable()
      var screen = Screen(width: 60, height: 5)
      let lines = (1...count).map { "line \($0)" }
      screen.write(table.frame(lines.joined(separator: "\n") + "\n", width: 60, height: 5))
      let expected =
        count <= 4
        ? lines : lines.prefix(3) + ["... \(count - 3) more lines; a higher terminal shows them"]
      #expect(screen.text == expected)
      #expect(screen.scrolledOff.isEmpty)
    }
  }

  @Test("characters that may be two columns wide are counted so")
  func wide() {
    var table = LiveTable()
    let frame = table.frame("ab日本語cd\n", width: 7, height: 5)
    #expect(frame == "\u{1b}[Kab日本\n\u{1b}[J")
  }

  @Test("after a change of size the table is drawn from the top")
  func resize() {
    var screen = Screen(width: 20, height: 6)
    var table = LiveTable()
    screen.write("above\n" + table.frame("a\nb\n", width: 30, height: 6))
    screen.write(table.frame("c\n", width: 20, height: 6))
    #expect(screen.text == ["c"])
    screen.write(table.frame("d\n", width: 20, height: 6))
    #expect(screen.text == ["d"])
  }

  @Test("the last table is whole, however high and wide")
  func last() {
    var screen = Screen(width: 10, height: 4)
    var table = LiveTable()
    let text = (1...6).map { "line \($0)" } + ["a line of 20 columns"]
    screen.write("above\n" + table.frame(text.joined(separator: "\n"), width: 10, height: 4))
    screen.write(table.last(text.joined(separator: "\n") + "\n", width: 10, height: 4))
    #expect(
      screen.scrolledOff + screen.text == ["above"] + text.dropLast() + [
        "a line of ", "20 columns",
      ])
    // The only interval was drawn over nothing.
    var only = LiveTable()
    #expect(only.last("x\n", width: 10, height: 4) == "x\n")
  }

  @Test("tables are in place only on a terminal that can, with an interval, and not as JSON")
  func display() {
    let terminal = Terminal(isTerminal: true, width: 80, hasColor: false)
    let pipe = Terminal(isTerminal: false, width: 80, hasColor: false)
    #expect(IntervalDisplay(terminal, intervalSeconds: 1, json: false).isLive)
    #expect(!IntervalDisplay(terminal, intervalSeconds: nil, json: false).isLive)
    #expect(!IntervalDisplay(terminal, intervalSeconds: 1, json: true).isLive)
    var appended = IntervalDisplay(pipe, intervalSeconds: 1, json: false)
    #expect(!appended.isLive)
    let text = String(repeating: "long and wide ", count: 40)
    #expect(appended.show(text, isLast: false, on: pipe) == text)
    var live = IntervalDisplay(terminal, intervalSeconds: 1, json: false)
    #expect(live.show("a\n", isLast: false, on: terminal) == "\u{1b}[Ka\n\u{1b}[J")
    #expect(
      live.show("b\n", isLast: false, on: terminal) == "\r\u{1b}[1A\u{1b}[Kb\n\u{1b}[J")
    #expect(
      live.show("c\n", isLast: true, on: terminal) == "\r\u{1b}[1A\u{1b}[Jc\n")
  }
}
