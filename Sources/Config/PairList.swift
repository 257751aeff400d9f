// SPDX-License-Identifier: Apache-2.0
// The `key=value,key=value` form of OTEL_RESOURCE_ATTRIBUTES and of the header variables.
// Values may be secrets, so no message here repeats one: members are named by number and key.

enum PairList {
  /// Header names stay as written; values are percent-decoded.
  static func headers(_ text: String) throws(ValueError) -> [Pair] {
    var pairs: [Pair] = []
    for (name, value, number) in try members(text) {
      guard !value.utf8.contains(UInt8(ascii: ";")) else {
        throw bad(number, name, "has metadata after ';'", "write %3B for a semicolon")
      }
      guard let decoded = percentDecoded(value) else {
        throw bad(number, name, "is not percent-encoded UTF-8", "write %25 for a percent sign")
      }
      try checkHeader(Pair(name, decoded), number: number, after: pairs)
      pairs.append(Pair(name, decoded))
    }
    return pairs
  }

  /// What HTTP, gRPC and OTLP say themselves; another value would tear the request apart.
  static let reserved = [
    "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect",
    "grpc-accept-encoding", "grpc-encoding", "grpc-timeout", "keep-alive", "te", "trailer",
    "transfer-encoding", "upgrade",
  ]

  /// `after` are those that stand before it.
  static func checkHeader(
    _ pair: Pair, number: Int, after others: [Pair] = []
  ) throws(ValueError) {
    let name = pair.key.lowercased()
    guard !reserved.contains(name) else {
      throw bad(number, pair.key, "is a header of the protocol's own", "leave it out")
    }
    guard !others.contains(where: { $0.key.lowercased() == name }) else {
      throw bad(number, pair.key, "repeats a header", "keep one of them")
    }
    guard !pair.key.isEmpty, pair.key.utf8.allSatisfy(isToken) else {
      throw bad(number, pair.key, "is not named as a header", "use letters, digits and -")
    }
    // A line break in a value would be a second header of the sender's choosing.
    guard pair.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
      throw bad(number, pair.key, "holds a control character", "remove it")
    }
  }

  static func attributes(_ text: String) throws(ValueError) -> [Pair] {
    var pairs: [Pair] = []
    for (name, value, number) in try members(text) {
      guard let key = percentDecoded(name), let decoded = percentDecoded(value) else {
        throw bad(number, name, "is not percent-encoded UTF-8", "write %25 for a percent sign")
      }
      guard !value.utf8.contains(UInt8(ascii: "=")) else {
        throw bad(number, name, "has a second '='", "write %3D for an equals sign")
      }
      guard !pairs.contains(where: { $0.key == key }) else {
        throw bad(number, name, "repeats a key", "keep one of them")
      }
      pairs.append(Pair(key, decoded))
    }
    return pairs
  }

  private static func members(
    _ text: String
  ) throws(ValueError) -> [(name: String, value: String, number: Int)] {
    var members: [(name: String, value: String, number: Int)] = []
    // Empty members, as after a comma at the end, are the grammar's only slack.
    for part in text.split(separator: ",") {
      let member = trimmed(part)
      if member.isEmpty { continue }
      let number = members.count + 1
      guard number <= Limits.pairs else {
        throw ValueError(.badPair, "has more than \(Limits.pairs) pairs", "write fewer")
      }
      guard let equals = member.firstIndex(of: "=") else {
        throw ValueError(.badPair, "pair \(number) has no '='", "write key=value pairs")
      }
      let name = trimmed(member[..<equals])
      guard !name.isEmpty else {
        throw ValueError(.badPair, "pair \(number) has no key", "write key=value pairs")
      }
      members.append((name, trimmed(member[member.index(after: equals)...]), number))
    }
    return members
  }

  private static func bad(
    _ number: Int, _ name: String, _ wrong: String, _ right: String
  ) -> ValueError {
    // What is no name may be the beginning of a secret, after a colon or a comma in its place.
    let shown = name.utf8.allSatisfy(isToken) ? " (\(shown(name)))" : ""
    return ValueError(.badPair, "pair \(number)\(shown) \(wrong)", right)
  }

  /// Nil for a broken escape, and for bytes that are no UTF-8 once decoded.
  static func percentDecoded(_ text: String) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(hexDigit),
        let low = rest.popFirst().flatMap(hexDigit)
      else { return nil }
      bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }

  /// RFC 9110's `tchar`.
  private static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}
