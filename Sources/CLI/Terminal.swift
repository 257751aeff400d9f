// SPDX-License-Identifier: Apache-2.0
// What standard output is: a terminal or not, how wide, and whether it wants colour.

internal import Glibc

package struct Terminal: Equatable, Sendable {
  package let isTerminal: Bool
  package let width: Int
  package let hasColor: Bool

  package init(isTerminal: Bool, width: Int, hasColor: Bool) {
    self.isTerminal = isTerminal
    self.width = width
    self.hasColor = hasColor
  }

  /// Looks at a descriptor; the environment is passed in so that tests need not change theirs.
  package init(descriptor: Int32, environment: (String) -> String?) {
    isTerminal = isatty(descriptor) == 1
    // The convention of no-color.org: set and not empty means no colour, whatever it says.
    let refusesColor = !(environment("NO_COLOR") ?? "").isEmpty
    hasColor = isTerminal && !refusesColor && environment("TERM") != "dumb"
    var size = winsize()
    let known = unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    let declared = environment("COLUMNS").flatMap { Int($0) } ?? 0
    width = known ? Int(size.ws_col) : (1...4096).contains(declared) ? declared : 80
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
