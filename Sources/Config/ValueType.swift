// SPDX-License-Identifier: Apache-2.0
// The types of options: what each accepts, in a file, in a variable and after a flag.

internal import Glibc
internal import Platform

/// OpenTelemetry's variables write durations and lists in their own way.
package enum Form: Sendable {
  case configuration
  case environment
}

package enum ValueType: Equatable, Sendable {
  case boolean
  case integer(ClosedRange<Int>, unit: String)
  case bytes(ClosedRange<Int>, powerOfTwo: Bool)
  case milliseconds(ClosedRange<Int>)
  case choice([String])
  /// Several of these, or `alone` by itself.
  case choices([String], alone: [String])
  case path
  case file
  case proxy
  case text
  /// What goes into a header and is never shown.
  case secret
  case headers
  case attributes
  case listen
  case endpoint

  /// Names the accepted values, to follow "write".
  package func wanted(_ form: Form) -> String {
    switch self {
    case .boolean: return "true or false"
    case .integer(let range, let unit):
      return "a whole number from \(range.lowerBound) to \(range.upperBound) (\(unit))"
    case .bytes(let range, let powerOfTwo):
      let kind = powerOfTwo ? "a power of two" : "a size"
      return "\(kind) from \(SizeText.text(range.lowerBound)) to \(SizeText.text(range.upperBound))"
        + ", such as \(SizeText.text(example(range)))"
    case .milliseconds(let range):
      if form == .environment {
        return "whole milliseconds from \(range.lowerBound) to \(range.upperBound)"
      }
      return "a duration from \(DurationText.text(range.lowerBound)) to "
        + "\(DurationText.text(range.upperBound)), such as 500ms or 10s"
    case .choice(let choices): return oneOf(choices)
    case .choices(let choices, let alone):
      return "\(oneOf(choices)) (several with commas)"
        + (alone.isEmpty ? "" : ", or \(oneOf(alone))")
    case .path: return "a path, or - for standard output"
    case .file: return "the path of a file"
    case .proxy: return "http://HOST:PORT, https://HOST:PORT or socks5h://HOST:PORT, or off"
    case .text: return "text"
    case .secret: return "letters, digits and signs without a blank"
    case .headers, .attributes:
      return form == .environment
        ? "key=value pairs with commas between them, other characters as %XX"
        : "a mapping of names to values"
    case .listen: return "ADDRESS:PORT such as 127.0.0.1:9464, or off"
    case .endpoint:
      return "http://HOST:PORT or https://HOST:PORT, with a path if need be, or unix:///SOCKET"
    }
  }

  /// The words that are accepted, for help and completions.
  package var choices: [String]? {
    switch self {
    case .boolean: ["true", "false"]
    case .choice(let choices): choices
    case .choices(let choices, let alone): choices + alone
    default: nil
    }
  }

  private func example(_ range: ClosedRange<Int>) -> Int {
    min(range.upperBound, max(range.lowerBound, 1 << 20))
  }

  package func parse(_ text: String, _ form: Form) throws(ValueError) -> Value {
    switch self {
    case .boolean:
      guard text == "true" || text == "false" else { throw notOfType(text, "a boolean", form) }
      return .boolean(text == "true")
    case .integer(let range, _):
      guard let number = wholeNumber(text) else { throw notOfType(text, "a whole number", form) }
      return .integer(try inRange(number, range, text, form))
    case .bytes(let range, let powerOfTwo):
      guard let size = SizeText.parse(text) else {
        throw notOfType(text, "a size with KiB, MiB or GiB", form)
      }
      _ = try inRange(size, range, text, form)
      guard !powerOfTwo || size & (size - 1) == 0 else {
        throw ValueError(
          .notAPowerOfTwo, "\(shown(text)) is not a power of two", "write \(wanted(form))")
      }
      return .bytes(size)
    case .milliseconds(let range):
      return .milliseconds(try inRange(try duration(text, form), range, text, form))
    case .choice(let choices):
      return .choice(try choice(text, of: choices, form))
    case .choices: return .choices(try choices(text, form))
    case .path, .file, .text:
      guard !text.isEmpty else { throw ValueError(.notOfType, "is empty", "write \(wanted(form))") }
      guard !text.utf8.contains(0) else { throw notOfType(text, "text without NUL", form) }
      return .text(text)
    case .secret:
      guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
        // Without the text: it may be half a secret.
        throw ValueError(.notOfType, "is not a token", "write \(wanted(form))")
      }
      return .secret(text)
    case .headers: return .pairs(try PairList.headers(text))
    case .attributes: return .pairs(try PairList.attributes(text))
    case .listen: return .listen(try listen(text, form))
    case .endpoint: return .endpoint(try Endpoint(parsing: text))
    case .proxy: return .proxy(try Proxy(parsing: text))
    }
  }

  private func notOfType(_ text: String, _ type: String, _ form: Form) -> ValueError {
    ValueError(.notOfType, "\(shown(text)) is not \(type)", "write \(wanted(form))")
  }

  private func inRange(
    _ number: Int, _ range: ClosedRange<Int>, _ text: String, _ form: Form
  ) throws(ValueError) -> Int {
    guard range.contains(number) else {
      throw ValueError(.outOfRange, "\(shown(text)) is out of range", "write \(wanted(form))")
    }
    return number
  }

  private func duration(_ text: String, _ form: Form) throws(ValueError) -> Int {
    if form == .environment {
      guard let number = wholeNumber(text) else {
        throw notOfType(text, "a number of milliseconds", form)
      }
      return number
    }
    guard let number = DurationText.parse(text) else {
      throw notOfType(text, "a duration with ms, s, m or h", form)
    }
    return number
  }

  private func choice(
    _ text: String, of choices: [String], _ form: Form
  ) throws(ValueError) -> String {
    // The specification makes enumerations in variables case-insensitive; a file is ours.
    let word = form == .environment ? text.lowercased() : text
    if choices.contains(word) { return word }
    let write = "write \(oneOf(choices))"
    let near = NearMiss.suggestion(for: word.lowercased(), among: choices)
    throw ValueError(
      .notOfType, "\(shown(text)) is not one of the choices",
      near.map { "\(write) (did you mean \($0)?)" } ?? write)
  }

  private func choices(_ text: String, _ form: Form) throws(ValueError) -> [String] {
    guard case .choices(let choices, let alone) = self else { return [] }
    var words: [String] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let word = try choice(trimmed(part), of: choices + alone, form)
      if !words.contains(word) { words.append(word) }
    }
    if words.count > 1, let lonely = words.first(where: { alone.contains($0) }) {
      throw ValueError(
        .excludes, "\(shown(text)) joins \(lonely) with others",
        "write \(lonely) alone, or leave it out")
    }
    return words
  }

  private func listen(_ text: String, _ form: Form) throws(ValueError) -> ListenAddress? {
    // What YAML 1.1 takes `off` for, in the hands of tools that write files.
    if text == "off" || text == "false" { return nil }
    let bad = notOfType(text, "an address and port", form)
    guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else { throw bad }
    var host = text[..<colon]
    guard let port = wholeNumber(text[text.utf8.index(after: colon)...]) else { throw bad }
    guard let port = UInt16(exactly: port) else {
      throw ValueError(.outOfRange, "port \(port) is out of range", "write a port from 0 to 65535")
    }
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]") && host.utf8.count > 2
    if isBracketed { host = host.dropFirst().dropLast() }
    guard isNumericAddress(String(host), isIPv6: isBracketed) else {
      throw ValueError(
        .notOfType, "\(shown(text)) does not begin with an IPv4 address or [IPv6 address]",
        "write \(wanted(form))")
    }
    return ListenAddress(address: String(host), port: port)
  }
}

func isNumericAddress(_ address: String, isIPv6: Bool) -> Bool {
  var storage = in6_addr()
  return unsafe withUnsafeMutableBytes(of: &storage) { bytes in
    unsafe inet_pton(isIPv6 ? AF_INET6 : AF_INET, address, bytes.baseAddress) == 1
  }
}

/// `a, b or c`.
package func oneOf(_ words: [String]) -> String {
  guard words.count > 1, let last = words.last else { return words.first ?? "" }
  return words.dropLast().joined(separator: ", ") + " or \(last)"
}

/// Without blanks and tabs at both ends, which the variables' grammar allows around members.
func trimmed(_ text: some StringProtocol) -> String {
  // A carriage return and a line feed are one Character.
  let blanks: [Character] = [" ", "\t", "\r", "\n", "\r\n"]
  let isBlank = { (character: Character) in blanks.contains(character) }
  let head = text.drop(while: isBlank)
  guard let last = head.lastIndex(where: { !isBlank($0) }) else { return "" }
  return String(head[...last])
}
