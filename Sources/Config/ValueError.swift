// SPDX-License-Identifier: Apache-2.0
// Why a text is no value of its option's type, in words that do not depend on where it came from.

package struct ValueError: Error, Equatable, Sendable {
  package enum Kind: Equatable, Sendable {
    case notOfType
    case outOfRange
    case notAPowerOfTwo
    case notYet
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
}
