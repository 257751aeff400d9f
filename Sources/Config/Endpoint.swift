// SPDX-License-Identifier: Apache-2.0
// An OTLP endpoint as written, and the URL of a signal made from it by the OTLP exporter rules.

package struct Endpoint: Equatable, Sendable, CustomStringConvertible {
  package enum Scheme: String, Equatable, Sendable {
    case http, https
    /// A socket of this host, with plain text.
    case unix
  }

  /// Nil for the bare `host:port` that only gRPC takes.
  package let scheme: Scheme?
  /// As in a URL, so IPv6 addresses keep their brackets.
  package let host: String
  package let port: UInt16?
  /// Path and query as written, empty or beginning with `/` or `?`; of a socket its path.
  package let path: String

  package init(scheme: Scheme?, host: String, port: UInt16?, path: String) {
    self.scheme = scheme
    self.host = host
    self.port = port
    self.path = path
  }

  package init(parsing text: String) throws(ValueError) {
    let want = "write \(ValueType.endpoint.wanted(.configuration))"
    // Nothing of a text with credentials is repeated in a message, since messages reach logs.
    guard !Self.withoutQuery(text).utf8.contains(UInt8(ascii: "@")) else {
      throw ValueError(
        .notOfType, "holds credentials (…@host)", "remove them and send them as a header")
    }
    // Nor of a query, which may hold a key.
    let shownText = shown(Self.withoutQuery(text))
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), !text.contains("#") else {
      throw ValueError(.notOfType, "\(shownText) holds a character that no URL may", want)
    }
    if let path = try Self.socketPath(text) {
      (scheme, host, port, self.path) = (.unix, "", nil, path)
      return
    }
    var rest = text[...]
    if let separator = text.firstRange(of: "://") {
      guard let scheme = Scheme(rawValue: text[..<separator.lowerBound].lowercased()) else {
        throw ValueError(.notOfType, "\(shownText) is none of http, https and unix", want)
      }
      self.scheme = scheme
      rest = text[separator.upperBound...]
    } else {
      scheme = nil
    }
    let authorityEnd = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
    path = String(rest[authorityEnd...])
    let authority = rest[..<authorityEnd]
    (host, port) = try Self.hostAndPort(authority, shownText, want)
  }

  /// gRPC's names, `unix:/path` and `unix:///path`; nil for any other.
  private static func socketPath(_ text: String) throws(ValueError) -> String? {
    guard text.lowercased().hasPrefix("unix:") else { return nil }
    var path = text.dropFirst("unix:".count)
    if path.hasPrefix("//") { path = path.dropFirst(2) }
    guard path.hasPrefix("/"), path.utf8.count > 1 else {
      throw ValueError(
        .notOfType, "\(shown(text)) has no absolute path", "write unix:///run/NAME.sock")
    }
    guard path.utf8.count <= socketPathMax else {
      throw ValueError(
        .outOfRange, "the path of the socket is longer than \(socketPathMax) bytes",
        "give it a shorter one")
    }
    return String(path)
  }

  /// What `sockaddr_un` holds besides its NUL.
  private static let socketPathMax = 107

  private static func hostAndPort(
    _ authority: Substring, _ shownText: String, _ want: String
  ) throws(ValueError) -> (String, UInt16?) {
    var host = authority
    var port: UInt16?
    let afterBracket = authority.lastIndex(of: "]") ?? authority.startIndex
    if let colon = authority[afterBracket...].lastIndex(of: ":") {
      host = authority[..<colon]
      let digits = authority[authority.index(after: colon)...]
      guard let number = wholeNumber(digits), let small = UInt16(exactly: number), small > 0 else {
        throw ValueError(
          .outOfRange, "\(shownText) has no port from 1 to 65535 after the colon", want)
      }
      port = small
    }
    let isBracketed =
      host.hasPrefix("[") && host.hasSuffix("]")
      && isNumericAddress(String(host.dropFirst().dropLast()), isIPv6: true)
    let isName = !host.isEmpty && host.utf8.allSatisfy(isHostByte)
    guard isBracketed || isName else {
      throw ValueError(.notOfType, "\(shownText) has no valid host", want)
    }
    return (String(host), port)
  }

  private static func isHostByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
    default: false
    }
  }

  /// `host` or `host:port`.
  var authority: String { port.map { "\(host):\($0)" } ?? host }

  /// The path as messages show it.
  var shownPath: String { Self.withoutQuery(path) }

  /// Without the query, which may hold a key.
  package var description: String {
    (scheme.map { "\($0.rawValue)://" } ?? "") + authority + shownPath
  }

  private static func withoutQuery(_ text: String) -> String {
    guard let query = text.firstIndex(of: "?") else { return text }
    return text[..<query] + "?***"
  }
}
