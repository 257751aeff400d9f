// SPDX-License-Identifier: Apache-2.0
// What can be wrong with a configuration, and how it is said: place, key, wrong; right.

internal import Platform

/// Where an effective value came from.
package enum Source: Equatable, Sendable, CustomStringConvertible {
  case fallback
  case file(String, Mark)
  case environment(String)
  case flag(String)

  package var description: String {
    switch self {
    case .fallback: "default"
    case .file(let name, let mark): "\(name):\(mark.line)"
    case .environment(let name): "env \(name)"
    case .flag(let name): "flag \(name)"
    }
  }

  /// The same with the column, as compilers write it, for the head of an error.
  var place: String {
    switch self {
    case .file(let name, let mark): "\(name):\(mark.line):\(mark.column)"
    default: description
    }
  }
}

package struct ConfigError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Kind: Equatable, Sendable {
    case unreadable(code: Int32)
    case notAFile
    case tooLarge
    case malformed(String)
    case severalDocuments
    case anchor
    case alias
    case tag
    case tooDeep
    case keyIsNotText
    case duplicateKey(first: Mark)
    case dottedKey
    case unknownKey(suggestion: String?, known: [String])
    case unexpected(found: String, wanted: String)
    case noValue(wanted: String)
    case quoted(String, wanted: String)
    case value(ValueError)
    case reference(wrong: String, right: String)
    case conflict(problem: String, remedy: String)
  }

  package let source: Source
  /// The dotted key, empty where the fault is the file's as a whole.
  package let key: String
  package let kind: Kind

  package var description: String {
    let (wrong, right) = sentence
    let subject = key.isEmpty ? "" : "\(key): "
    if case .unreadable = kind, case .file(let path, _) = source {
      return "\(path): \(wrong); \(right)"
    }
    return "\(source.place): \(subject)\(wrong); \(right)"
  }

  /// What is wrong, and what would be right.
  package var sentence: (wrong: String, right: String) {
    switch kind {
    case .unreadable(let code):
      ("cannot be read (\(errnoText(code)))", "give a file that this user may read")
    case .notAFile: ("is not a regular file", "give a YAML file")
    case .tooLarge:
      ("is larger than \(Limits.fileBytes / 1024) KiB", "a configuration fits in that, remove text")
    case .malformed(let problem): ("is not YAML (\(problem))", "mend the syntax at this place")
    case .severalDocuments:
      ("a second document begins here", "keep one document and remove the '---'")
    case .anchor: ("has an anchor (&)", "write the value out where it is needed")
    case .alias: ("is an alias (*)", "write the value out here")
    case .tag: ("has a tag (!)", "remove it, types are known from the key")
    case .tooDeep:
      ("is nested deeper than \(Limits.depth) levels", "no key of ours lies that deep")
    case .keyIsNotText: ("the key is not a plain word", "write 'key: value'")
    case .duplicateKey(let first):
      ("is written twice, first in line \(first.line)", "remove one of them")
    case .dottedKey:
      ("is one key with dots", "write each part on a line of its own, the next one indented")
    case .unknownKey(let suggestion?, _): ("unknown key", "did you mean \(suggestion)?")
    case .unknownKey(nil, let known):
      ("unknown key", "known here: \(known.joined(separator: ", "))")
    case .unexpected(let found, let wanted): ("is \(found)", "write \(wanted)")
    case .noValue(let wanted): ("has no value", "write \(wanted), or leave the key out")
    case .quoted(let text, let wanted):
      ("\"\(text)\" is quoted and so is text", "write \(wanted), without quotation marks")
    case .value(let error): (error.wrong, error.right)
    case .reference(let wrong, let right): (wrong, right)
    case .conflict(let problem, let remedy): (problem, remedy)
    }
  }
}

/// A value that was not used, and what is used in its place; the agent logs it and goes on.
package struct ConfigWarning: Equatable, Sendable, CustomStringConvertible {
  package let source: Source
  package let wrong: String
  package let right: String
  package let used: String

  package var description: String { "\(source.place): \(wrong); \(right); \(used)" }
}

package enum Limits {
  package static let fileBytes = 64 * 1024
  /// The deepest key of ours has three levels; the rest is headroom for part-written files.
  static let depth = 8
  /// Bounds the pairs of one header or attribute list.
  static let pairs = 128
  /// Bounds the ${…} of one file.
  static let references = 256
  /// More errors than these are counted and not kept.
  static let errors = 20
  /// Values longer than this are shortened in messages.
  static let shownCharacters = 60
}
