// SPDX-License-Identifier: Apache-2.0
// `${env:NAME}` and `${file:PATH}` in the values of a file, made for what should not stand in it.
// What comes of them is a secret: no message repeats it, and no YAML is read out of it.

internal import Platform

extension Pair {
  /// The header, `number` of all, with what its files have in them now.
  package func currentHeader(
    number: Int, _ environment: @escaping Environment
  ) throws(ValueError) -> Pair {
    guard let template else { return self }
    var references = References(environment: environment)
    let text: String
    do throws(References.Failure) { text = try references.resolve(template).text } catch {
      throw ValueError(.badPair, error.wrong, error.right)
    }
    let pair = Pair(key, text, isSecret: isSecret, template: template)
    try PairList.checkHeader(pair, number: number)
    return pair
  }
}

/// Puts text in the place of references, within one bound for the whole file.
struct References {
  /// What a scalar came to, and the references in it, without their defaults.
  struct Resolved {
    var text = ""
    var references: [String] = []
  }

  /// Why a reference cannot be followed; neither half repeats a value.
  struct Failure: Error {
    let wrong: String
    let right: String
  }

  private static let form = "write ${env:NAME} or ${file:PATH}, and $${ for a plain ${"

  let environment: Environment
  private var count = 0
  private var byteCount = 0

  init(environment: @escaping Environment) { self.environment = environment }

  mutating func resolve(_ text: String) throws(Failure) -> Resolved {
    var out = Resolved()
    var rest = text[...]
    while let dollar = rest.firstRange(of: "${") {
      let before = rest[..<dollar.lowerBound]
      rest = rest[dollar.upperBound...]
      if before.hasSuffix("$") {
        out.text += before.dropLast() + "${"
        continue
      }
      out.text += before
      guard let brace = rest.firstIndex(of: "}") else {
        throw Failure(wrong: "a ${ has no closing brace", right: Self.form)
      }
      let inside = rest[..<brace]
      rest = rest[rest.index(after: brace)...]
      guard !inside.contains("${") else {
        throw Failure(
          wrong: "a ${…} stands within another", right: "write one after the other, or plain text")
      }
      let (name, value) = try follow(inside)
      out.references.append(name)
      out.text += value
    }
    out.text += rest
    return out
  }

  private mutating func follow(
    _ inside: Substring
  ) throws(Failure) -> (reference: String, text: String) {
    count += 1
    guard count <= Limits.references else {
      throw Failure(
        wrong: "the file has more than \(Limits.references) references", right: "write fewer")
    }
    let found: (reference: String, text: String)
    if inside.hasPrefix("env:") {
      found = try variable(inside.dropFirst(4))
    } else if inside.hasPrefix("file:") {
      found = try file(String(inside.dropFirst(5)))
    } else {
      // The default of one that lacks its `env:` is not repeated either.
      let head = inside.firstRange(of: ":-").map { inside[..<$0.lowerBound] } ?? inside
      throw Failure(
        wrong: "\(shown("${\(head)}")) names neither env nor file", right: Self.form)
    }
    byteCount += found.text.utf8.count
    guard byteCount <= Limits.fileBytes else {
      throw Failure(
        wrong: "references come to more than \(Limits.fileBytes / 1024) KiB in all",
        right: "write fewer, or shorter texts")
    }
    return found
  }

  private func variable(
    _ inside: Substring
  ) throws(Failure) -> (reference: String, text: String) {
    let separator = inside.firstRange(of: ":-")
    let name = String(separator.map { inside[..<$0.lowerBound] } ?? inside)
    guard isVariableName(name) else {
      throw Failure(
        wrong: "\(shown(name)) is no name of a variable",
        right: "write letters, digits and _, not a digit first")
    }
    let reference = "${env:\(name)}"
    // As everywhere in OpenTelemetry, an empty variable is one that is not set.
    if let value = environment(name), !value.isEmpty {
      guard !value.unicodeScalars.contains("\u{fffd}") else {
        throw Failure(wrong: "variable \(name) is not UTF-8", right: "set it to text")
      }
      return (reference, value)
    }
    guard let separator else {
      throw Failure(
        wrong: "variable \(name) is not set or empty",
        right: "set it, or write ${env:\(name):-TEXT}")
    }
    return (reference, String(inside[separator.upperBound...]))
  }

  private func file(_ path: String) throws(Failure) -> (reference: String, text: String) {
    guard !path.isEmpty else { throw Failure(wrong: "${file:} has no path", right: Self.form) }
    let name = shown(path)
    var bytes: [UInt8]
    do throws(ConfigError) {
      bytes = try ConfigFile.read(path)
    } catch {
      switch error.kind {
      case .unreadable(let code):
        throw Failure(
          wrong: "file \(name) cannot be read (\(errnoText(code)))",
          right: "give a file that this user may read")
      case .tooLarge:
        throw Failure(
          wrong: "file \(name) is larger than \(Limits.fileBytes / 1024) KiB",
          right: "give one that holds the value alone")
      default:
        throw Failure(
          wrong: "file \(name) is not a regular file", right: "give one that holds the value alone")
      }
    }
    // Editors end the last line, and a value does not have that end.
    if bytes.last == UInt8(ascii: "\n") {
      bytes.removeLast()
      if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    }
    guard !bytes.isEmpty else {
      throw Failure(wrong: "file \(name) is empty", right: "write the value into it")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(wrong: "file \(name) is not UTF-8", right: "give a file of text")
    }
    return ("${file:\(path)}", text)
  }

  private func isVariableName(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f: true
      default: false
      }
    }
  }
}
