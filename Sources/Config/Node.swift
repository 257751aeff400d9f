// SPDX-License-Identifier: Apache-2.0
// YAML reduced to what a configuration needs: values that know where they were written.

/// A position in a file, counted from one as editors do.
package struct Mark: Equatable, Sendable {
  package let line: Int
  package let column: Int

  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }
}

package struct Scalar: Equatable, Sendable {
  package let text: String
  package let isQuoted: Bool
  package let mark: Mark

  /// YAML writes "no value" in these ways; quoted, they are text.
  var isNull: Bool { !isQuoted && ["", "~", "null", "Null", "NULL"].contains(text) }
}

package struct NodePair: Equatable, Sendable {
  package let key: Scalar
  package let value: Node
}

package indirect enum Node: Equatable, Sendable {
  case scalar(Scalar)
  case mapping([NodePair], Mark)
  case sequence([Node], Mark)
  /// An alias, which the reader has refused.
  case refused(Mark)

  package var mark: Mark {
    switch self {
    case .scalar(let scalar): scalar.mark
    case .mapping(_, let mark), .sequence(_, let mark), .refused(let mark): mark
    }
  }

  /// What the node is, for a sentence such as "is a list".
  var kindName: String {
    switch self {
    case .scalar: "a single value"
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .refused: "an alias"
    }
  }
}
