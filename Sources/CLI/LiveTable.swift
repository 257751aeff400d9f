// SPDX-License-Identifier: Apache-2.0
// A table that is drawn over the one before it, so that the terminal shows one at a time.

/// What has been drawn, and the bytes that replace it.
///
/// Nothing is written here.
/// The alternate screen is not used: the last table, and what stood above it, remain at the end.
/// The cursor is not hidden: a tool that is stopped or killed would leave the shell without one.
package struct LiveTable: Equatable, Sendable {
  private struct Drawn: Equatable {
    let lines: Int
    let width: Int
    let height: Int
  }

  private var drawn: Drawn?

  package init() {}

  /// The bytes that show `text`, whose lines hold no escape sequences, in place of the last one.
  package mutating func frame(_ text: String, width: Int, height: Int) -> String {
    let lines = Self.cut(text, width: width, height: height)
    var out = toTheTop(width: width, height: height)
    // Each line is erased before it is written, and not after: a cursor that waits beyond the last
    // column still counts as standing on it.
    for line in lines { out += "\u{1b}[K\(line)\n" }
    drawn = Drawn(lines: lines.count, width: width, height: height)
    return out + "\u{1b}[J"
  }

  /// The bytes that show `text` for good: whole, as nothing will be drawn over it.
  package mutating func last(_ text: String, width: Int, height: Int) -> String {
    guard drawn != nil else { return text }
    let top = toTheTop(width: width, height: height)
    drawn = nil
    return top + "\u{1b}[J" + text
  }

  /// The bytes that lead to where the last table began.
  private func toTheTop(width: Int, height: Int) -> String {
    guard let drawn else { return "" }
    guard drawn.width == width, drawn.height == height else {
      // A terminal that has changed its size may have wrapped the lines anew: how many there are
      // now, nobody says.
      return "\u{1b}[H"
    }
    return drawn.lines > 0 ? "\r\u{1b}[\(drawn.lines)A" : "\r"
  }

  /// The lines that fit above the cursor's own, with a word on those that do not.
  private static func cut(_ text: String, width: Int, height: Int) -> [String] {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.last == "" { lines.removeLast() }
    let room = max(1, height - 1)
    if lines.count > room {
      let hidden = lines.count - room + 1
      lines = lines.prefix(room - 1) + ["... \(hidden) more lines; a higher terminal shows them"]
    }
    return lines.map { cut($0, width: width) }
  }

  private static func cut(_ line: String, width: Int) -> String {
    var out = String.UnicodeScalarView()
    var columns = 0
    for scalar in line.unicodeScalars {
      // Wide characters begin with Hangul. Two for some that are narrow cuts a line early; one for
      // some that are wide would wrap it, and the next frame would begin in the wrong place.
      columns += scalar.value >= 0x1100 ? 2 : 1
      if columns > width { break }
      out.append(scalar)
    }
    return String(out)
  }
}

/// Intervals on their way to standard output: in place on a terminal, else one after the other.
package struct IntervalDisplay: Sendable {
  private var live: LiveTable?

  /// One interval alone, at Ctrl-C, replaces nothing.
  package init(_ terminal: Terminal, intervalSeconds: Int?, json: Bool) {
    let isLive = terminal.canMoveCursor && intervalSeconds != nil && !json
    live = isLive ? LiveTable() : nil
  }

  package var isLive: Bool { live != nil }

  /// The bytes for one more interval; the terminal is looked at anew, as its size may change.
  package mutating func show(
    _ text: String, isLast: Bool, on terminal: @autoclosure () -> Terminal
  ) -> String {
    guard isLive else { return text }
    let terminal = terminal()
    let (width, height) = (terminal.width, terminal.height)
    let bytes =
      isLast
      ? live?.last(text, width: width, height: height)
      : live?.frame(text, width: width, height: height)
    return bytes ?? text
  }
}
