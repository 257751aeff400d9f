// SPDX-License-Identifier: Apache-2.0
// Columns of execsnoop, JSON lines, and what is done for a terminal.

import CLI
import Testing

@Suite("lines of output")
struct OutputTests {
  private func options(_ line: String) throws -> ExecsnoopOptions {
    guard case .execsnoop(let options) = try Command.parse(words("execsnoop " + line)) else {
      throw UsageError(command: nil, kind: .noCommand)
    }
    return options
  }

  private var row: ExecsnoopRow {
    var row = ExecsnoopRow()
    row.timeOfDay = "07:08:10"
    row.secondsSinceStartMilli = 733
    row.comm = "true"
    row.pid = 22906
    row.parentPID = 22900
    row.arguments = ["/bin/true", "a", "b c", "d\"e", "n\nm\tx"]
    return row
  }

  @Test("the header and the columns are those of bcc's execsnoop")
  func columns() throws {
    let plain = try options("")
    #expect(plain.headerLine == "PCOMM            PID    PPID   RET ARGS")
    var row = row
    row.arguments = ["/bin/true", "a b"]
    #expect(plain.line(row) == "true             22906  22900    0 /bin/true a b ")
    row.result = -2
    #expect(plain.line(row) == "true             22906  22900   -2 /bin/true a b ")
    let full = try options("-TtU")
    #expect(full.headerLine == "TIME     TIME(s)  UID    PCOMM            PID    PPID   RET ARGS")
    #expect(
      full.line(row)
        == "07:08:10 0.733    0      true             22906  22900   -2 /bin/true a b ")
  }

  @Test("-q quotes and escapes as bcc does")
  func quote() throws {
    #expect(
      try options("-q").line(row)
        == "true             22906  22900    0 "
        + "\"/bin/true\" \"a\" \"b c\" \"d\\\"e\" \"n\\nm\\tx\" "
    )
  }

  @Test("arguments beyond the limit end in three dots")
  func limit() throws {
    var row = row
    row.arguments = ["t"] + (1...25).map { String($0) }
    let line = try options("").line(row)
    #expect(line.hasSuffix(" 17 18 19  ..."))
    row.arguments = ["t"]
    row.isTruncated = true
    #expect(try options("").line(row).hasSuffix(" t  ..."))
  }

  @Test("escape sequences in a name or argument are shown, not obeyed")
  func escapes() throws {
    var row = row
    row.comm = "\u{1b}[2J"
    row.arguments = ["\u{1b}]0;x\u{7}", "\u{9b}31m"]
    #expect(
      try options("").line(row)
        == "\\x1b[2J          22906  22900    0 \\x1b]0;x\\x07 \\x9b31m ")
  }

  @Test("filters by name, argument, user and failure")
  func filters() throws {
    var failed = row
    failed.result = -2
    #expect(try options("").admits(row))
    #expect(try !options("").admits(failed))
    #expect(try options("-x").admits(failed))
    #expect(try options("-n tru").admits(row))
    #expect(try !options("-n false").admits(row))
    #expect(try options("-l c").admits(row))
    #expect(try !options("-l zzz").admits(row))
    #expect(try options("-u 0").admits(row))
    #expect(try !options("-u 7").admits(row))
  }

  @Test("an exec as JSON is one object on one line")
  func execJSON() throws {
    var row = row
    row.uid = 1000
    #expect(
      try options("--json -T -t").json(row)
        == #"{"time":"07:08:10","seconds":0.733,"uid":1000,"comm":"true","pid":22906,"#
        + #""ppid":22900,"ret":0,"args":["/bin/true","a","b c","d\"e","n\nm\tx"],"#
        + #""truncated":false}"#
    )
  }

  @Test("JSON escapes what it must, and repairs bytes that are no UTF-8")
  func json() {
    var object = JSONLine()
    object.add("a\"", "\\ \u{1} \u{1f} \u{7f} é 🐦 \r")
    object.add("b", String(decoding: [0x61, 0xff, 0x62], as: UTF8.self))
    object.add("c", UInt64.max)
    object.add("d", -1)
    object.add("e", true)
    object.add("f", [String]())
    object.add("g", thousandths: 1002)
    var nested = JSONLine()
    nested.add("i", 1)
    object.add("j", [nested, JSONLine()])
    #expect(
      object.finished()
        == #"{"a\"":"\\ \u0001 \u001f \u007f é 🐦 \r","b":"a"# + "\u{fffd}"
        + #"b","c":18446744073709551615,"d":-1,"e":true,"f":[],"g":1.002,"#
        + #""j":[{"i":1},{}]}"#)
  }

  @Test("colour is only for a terminal, and NO_COLOR refuses it")
  func color() {
    let plain = Terminal(isTerminal: false, width: 80, hasColor: false)
    #expect(plain.styled("x", .red) == "x")
    let colored = Terminal(isTerminal: true, width: 80, hasColor: true)
    #expect(colored.styled("x", .red) == "\u{1b}[31mx\u{1b}[0m")
    // Descriptor 999 is not open, and so no terminal.
    let closed = Terminal(descriptor: 999, environment: { ["COLUMNS": "132"][$0] })
    #expect(closed == Terminal(isTerminal: false, width: 132, hasColor: false))
    #expect(Terminal(descriptor: 999, environment: { ["COLUMNS": "-3"][$0] }).width == 80)
  }
}
