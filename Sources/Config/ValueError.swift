// SPDX-License-Identifier: Apache-2.0
// Why a text is no value of its option's type, in words that do not depend on where it came from.

package struct ValueError: Error, Equatable, Sendable {
  package enum Kind: Equatable, Sendable {
    case notOfType
    case outOfRange
    case notAPowerOfTwo
    case excludes
    case badPair
  }

  package let kind: Kind
  /// What was found and what is wrong with it, such as `"yes" is not a boolean`.
  package let wrong: String
  /// What would be right, such as `write true or false`.
  package let right: String

  init(_ kind: Kind, _ wrong: String, _ right: String) {
    self.kind = kind
    self.wrong = wrong
    self.right = right
  }

  /// The same without the value, which came from references and so is a secret.
  func hiding(_ references: [String], wanted: String) -> ValueError {
    let reason =
      switch kind {
      case .outOfRange: "is out of range"
      case .notAPowerOfTwo: "is not a power of two"
      case .excludes: "joins what excludes each other"
      case .notOfType, .badPair: "is not of this kind"
      }
    return ValueError(
      kind, "the value of \(references.joined(separator: ", ")) \(reason)", "write \(wanted)")
  }
}
