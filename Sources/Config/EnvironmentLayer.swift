// SPDX-License-Identifier: Apache-2.0
// OpenTelemetry's environment variables: a bad one is named in a warning and then not used.

internal import Glibc

/// Looks a variable up; tests give a dictionary's subscript, the agent `getenv`.
package typealias Environment = (String) -> String?

/// The variable of this process; bytes that are no UTF-8 become U+FFFD and then fail their type.
package func processEnvironment(_ name: String) -> String? {
  // No thread of ours calls setenv, so the text cannot move while it is copied.
  unsafe getenv(name).map { unsafe String(cString: $0) }
}

extension Layer {
  init(environment: Environment, warnings: inout [ConfigWarning]) {
    self.init()
    for row in OptionTable.rows {
      guard let (name, text) = Self.variable(of: row, environment) else { continue }
      if row.type == .boolean {
        let value = Self.boolean(text, name, &warnings)
        set(row.key, Entry(.boolean(value != row.environmentInverts), .environment(name)))
        continue
      }
      do throws(ValueError) {
        set(row.key, Entry(try row.type.parse(text, .environment), .environment(name)))
      } catch {
        warnings.append(
          ConfigWarning(
            source: .environment(name), wrong: error.wrong, right: error.right,
            used: Self.usedInstead(row)))
      }
    }
    liftServiceName()
  }

  /// The specification treats an empty variable as one that is not set.
  private static func variable(
    of row: OptionRow, _ environment: Environment
  ) -> (name: String, text: String)? {
    for case let name? in [row.environment, row.obsoleteEnvironment] {
      if let text = environment(name), !text.isEmpty { return (name, text) }
    }
    return nil
  }

  /// Only `true` in any case is true; what is neither true nor false counts as false, and is said.
  private static func boolean(
    _ text: String, _ name: String, _ warnings: inout [ConfigWarning]
  ) -> Bool {
    let word = text.lowercased()
    if word != "true", word != "false" {
      warnings.append(
        ConfigWarning(
          source: .environment(name), wrong: "\(shown(text)) is not a boolean",
          right: "write true or false", used: "false is used"))
    }
    return word == "true"
  }

  private static func usedInstead(_ row: OptionRow) -> String {
    switch (row.type, row.fallback) {
    case (.headers, _), (.attributes, _): "the whole variable is ignored"
    case (_, let value?):
      "the variable is ignored, the default is \(value.yaml(hidingValues: true))"
    case (_, nil): "the variable is ignored"
    }
  }
}
