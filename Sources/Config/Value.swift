// SPDX-License-Identifier: Apache-2.0
// The values that options can have, and how each is written in YAML.

package struct Pair: Equatable, Sendable {
  package let key: String
  package let value: String
  /// It came from a reference, and is shown to nobody.
  package let isSecret: Bool
  /// The text that it came from, where that names files, which may have something else in them by
  /// now.
  package let template: String?

  package init(_ key: String, _ value: String, isSecret: Bool = false, template: String? = nil) {
    self.key = key
    self.value = value
    self.isSecret = isSecret
    self.template = template
  }
}

/// Where to listen; IPv6 addresses are kept without their brackets.
package struct ListenAddress: Equatable, Sendable, CustomStringConvertible {
  package let address: String
  package let port: UInt16

  package init(address: String, port: UInt16) {
    self.address = address
    self.port = port
  }

  package var description: String {
    address.utf8.contains(UInt8(ascii: ":")) ? "[\(address)]:\(port)" : "\(address):\(port)"
  }
}

package enum Value: Equatable, Sendable {
  case boolean(Bool)
  case integer(Int)
  case bytes(Int)
  case milliseconds(Int)
  case choice(String)
  case choices([String])
  case text(String)
  case secret(String)
  case pairs([Pair])
  /// Nil is `off`.
  case listen(ListenAddress?)
  case endpoint(Endpoint)
  case proxy(Proxy)

  /// The value as a flag would have it.
  package var plain: String {
    switch self {
    case .text(let text): text
    case .listen(let address?): address.description
    case .endpoint(let endpoint): endpoint.description
    case .proxy(let proxy): proxy.description
    default: yaml(hidingValues: true)
    }
  }

  /// The value as a line of YAML, with secrets hidden.
  package func yaml(hidingValues: Bool) -> String {
    switch self {
    case .boolean(let value): value ? "true" : "false"
    case .integer(let value): String(value)
    case .bytes(let value): SizeText.text(value)
    case .milliseconds(let value): DurationText.text(value)
    case .choice(let value): value
    case .choices(let values): "[\(values.joined(separator: ", "))]"
    case .text(let value): quoted(value)
    case .secret(let value): hidingValues ? "\"***\"" : quoted(value)
    case .pairs(let pairs):
      pairs.isEmpty
        ? "{}"
        : "{ "
          + pairs.map { pair in
            let isHidden = hidingValues || pair.isSecret
            return "\(quoted(pair.key)): \(isHidden ? "\"***\"" : quoted(pair.value))"
          }.joined(separator: ", ") + " }"
    case .listen(let address): address.map { quoted($0.description) } ?? "off"
    case .endpoint(let endpoint): quoted(endpoint.description)
    case .proxy(.none): "off"
    case .proxy(let proxy): quoted(proxy.description)
    }
  }
}

/// A YAML double-quoted scalar.
func quoted(_ text: String) -> String {
  var out = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": out += "\\\""
    case "\\": out += "\\\\"
    case "\n": out += "\\n"
    case "\t": out += "\\t"
    case _ where scalar.value < 0x20 || scalar.value == 0x7f:
      let digits = String(scalar.value, radix: 16)
      out += "\\x" + (digits.utf8.count < 2 ? "0" : "") + digits
    default: out.unicodeScalars.append(scalar)
    }
  }
  return out + "\""
}

/// A value in a message: quoted, on one line, never long.
func shown(_ text: String) -> String {
  guard text.count > Limits.shownCharacters else { return quoted(text) }
  return quoted(text.prefix(Limits.shownCharacters) + "…")
}

/// The same without the quotation marks, for keys.
func shortened(_ text: String) -> String { String(shown(text).dropFirst().dropLast()) }

/// An unknown key in a message: a file that is no configuration of ours is not repeated.
func shownKey(_ text: String) -> String {
  if text.hasPrefix("${") { return shortened(text) }
  let name = text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "_.-".contains($0)) }
  return shortened(name.count < text.count ? name + "…" : text)
}

enum DurationText {
  static let units: [(suffix: String, size: Int)] = [
    ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000),
  ]

  static func parse(_ text: String) -> Int? {
    for (suffix, unit) in units where text.hasSuffix(suffix) {
      guard let count = wholeNumber(text.dropLast(suffix.count)) else { continue }
      let (product, overflow) = count.multipliedReportingOverflow(by: unit)
      return overflow ? nil : product
    }
    return nil
  }

  static func text(_ milliseconds: Int) -> String {
    guard milliseconds != 0 else { return "0s" }
    for (suffix, unit) in units.reversed() where milliseconds.isMultiple(of: unit) {
      return "\(milliseconds / unit)\(suffix)"
    }
    return "\(milliseconds)ms"
  }
}

enum SizeText {
  static let units: [(suffix: String, size: Int)] = [
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30),
  ]

  static func parse(_ text: String) -> Int? {
    for (suffix, unit) in units where text.hasSuffix(suffix) {
      guard let count = wholeNumber(text.dropLast(suffix.count)) else { return nil }
      let (product, overflow) = count.multipliedReportingOverflow(by: unit)
      return overflow ? nil : product
    }
    return nil
  }

  static func text(_ bytes: Int) -> String {
    for (suffix, unit) in units.reversed() where bytes.isMultiple(of: unit) && bytes > 0 {
      return "\(bytes / unit)\(suffix)"
    }
    return "\(bytes)B"
  }
}

/// Digits only: Swift's own parser would also take a sign.
func wholeNumber(_ text: some StringProtocol) -> Int? {
  guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
  return Int(text)
}
