// SPDX-License-Identifier: Apache-2.0
// What standard output is: a terminal or not, how large, and whether it wants colour.

internal import Glibc

package struct Terminal: Equatable, Sendable {
  package let isTerminal: Bool
  package let width: Int
  package let height: Int
  package let hasColor: Bool
  /// Whether a table may be drawn over the last one.
  package let canMoveCursor: Bool

  package init(isTerminal: Bool, width: Int, height: Int = 24, hasColor: Bool) {
    self.isTerminal = isTerminal
    self.width = width
    self.height = height
    canMoveCursor = isTerminal
    self.hasColor = hasColor
  }

  /// Looks at a descriptor; the environment is passed in so that tests need not change theirs.
  package init(descriptor: Int32, environment: (String) -> String?) {
    isTerminal = isatty(descriptor) == 1
    // The convention of no-color.org: set and not empty means no colour, whatever it says.
    let refusesColor = !(environment("NO_COLOR") ?? "").isEmpty
    canMoveCursor = isTerminal && environment("TERM") != "dumb"
    hasColor = canMoveCursor && !refusesColor
    var size = winsize()
    let known = unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0
    func measured(_ cells: UInt16, _ variable: String, otherwise: Int) -> Int {
      if known, cells > 0 { return Int(cells) }
      let declared = environment(variable).flatMap { Int($0) } ?? 0
      return (1...4096).contains(declared) ? declared : otherwise
    }
    width = measured(size.ws_col, "COLUMNS", otherwise: 80)
    height = measured(size.ws_row, "LINES", otherwise: 24)
  }

  package enum Style: String, Sendable {
    case bold = "1"
    case red = "31"
    case green = "32"
    case yellow = "33"
  }

  package func styled(_ text: String, _ style: Style) -> String {
    hasColor ? "\u{1b}[\(style.rawValue)m\(text)\u{1b}[0m" : text
  }
}
