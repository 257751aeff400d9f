// SPDX-License-Identifier: Apache-2.0
// All that is wrong with a file, collected in one reading, within a bound.

/// Errors in the order of their places.
package struct Problems: Sendable {
  package private(set) var errors: [ConfigError] = []
  /// How many more there are than are kept.
  package private(set) var omitted = 0

  package var isEmpty: Bool { errors.isEmpty }

  mutating func note(_ error: ConfigError) {
    // Two signals find the same fault in an option that both use.
    guard !errors.contains(error) else { return }
    guard errors.count < Limits.errors else { return omitted += 1 }
    // What is found first need not stand first: the YAML is read whole before it is understood.
    let index = errors.firstIndex { error.source.precedes($0.source) } ?? errors.count
    errors.insert(error, at: index)
  }
}

extension Source {
  fileprivate func precedes(_ other: Source) -> Bool {
    guard case .file(_, let mark) = self, case .file(_, let next) = other else { return false }
    return (mark.line, mark.column) < (next.line, next.column)
  }
}
