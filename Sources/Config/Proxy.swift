// SPDX-License-Identifier: Apache-2.0
// The proxy on the way to a receiver, as an option names it.

package enum Proxy: Equatable, Sendable, CustomStringConvertible {
  /// None, whatever the environment says.
  case none
  /// May hold credentials, which no message and no print repeats.
  case url(String)

  private static let schemes = ["http", "https", "socks5", "socks5h"]

  init(parsing text: String) throws(ValueError) {
    if text == "off" {
      self = .none
      return
    }
    let want = "write \(ValueType.proxy.wanted(.configuration))"
    // The text may hold a password, so no message shows it.
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
      throw ValueError(.notOfType, "holds a character that no URL may", want)
    }
    guard let separator = text.firstRange(of: "://"),
      Self.schemes.contains(text[..<separator.lowerBound].lowercased())
    else { throw ValueError(.notOfType, "begins with no known scheme", want) }
    let rest = text[separator.upperBound...]
    let place = rest.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
    // libcurl reads such a name or password as another host, and repeats it in its error.
    let user = rest.dropLast(place.count).dropLast()
    guard !user.contains(where: { "/?#@".contains($0) }) else {
      throw ValueError(
        .notOfType, "holds one of / ? # @ in the name or the password",
        "write %2F, %3F, %23 and %40")
    }
    guard let server = try? Endpoint(parsing: "http://\(place)"), ["", "/"].contains(server.path)
    else { throw ValueError(.notOfType, "is not a scheme, a host and a port", want) }
    self = .url(text)
  }

  package var description: String {
    guard case .url(let text) = self else { return "off" }
    guard let at = text.utf8.lastIndex(of: UInt8(ascii: "@")),
      let separator = text.firstRange(of: "://")
    else { return text }
    return text[..<separator.upperBound] + "***" + text[at...]
  }
}
