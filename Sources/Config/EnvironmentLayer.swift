// SPDX-License-Identifier: Apache-2.0
// OpenTelemetry's environment variables: a bad one is named in a warning and then not used.

internal import Glibc

/// Looks a variable up; tests give a dictionary's subscript, the agent `getenv`.
package typealias Environment = (String) -> String?

/// The names of the variables of this process, as many as are worth a look.
package func processVariables() -> [String] {
  var names: [String] = []
  var next = unsafe environ
  // As above, nothing moves it meanwhile.
  while let entry = unsafe next.pointee, names.count < 4096 {
    let text = unsafe String(cString: entry)
    names.append(String(text.prefix { $0 != "=" }))
    unsafe next += 1
  }
  return names
}

/// The variable of this process; bytes that are no UTF-8 become U+FFFD, and are refused as that.
package func processEnvironment(_ name: String) -> String? {
  // No thread of ours calls setenv, so the text cannot move while it is copied.
  unsafe getenv(name).map { unsafe String(cString: $0) }
}

extension Layer {
  init(environment: Environment, remarks: inout Remarks) {
    self.init()
    for row in OptionTable.rows {
      let names = [row.environment, row.obsoleteEnvironment, row.generalEnvironment]
      for name in names where self[row.key] == nil {
        // The specification treats an empty variable as one that is not set.
        // What is blank around it, such as the line end of a secret's file, is no part of it.
        guard let name, let text = environment(name).map({ trimmed($0[...]) }), !text.isEmpty
        else { continue }
        take(text, of: name, for: row, &remarks)
      }
    }
    liftServiceName()
  }

  private mutating func take(
    _ text: String, of name: String, for row: OptionRow, _ remarks: inout Remarks
  ) {
    guard !text.unicodeScalars.contains("\u{fffd}") else {
      return remarks.warn(name, "is not UTF-8", "set it to text", Self.usedInstead(row))
    }
    if row.type == .boolean {
      let value = Self.boolean(text, name, &remarks)
      return set(row.key, Entry(.boolean(value != row.environmentInverts), .environment(name)))
    }
    do throws(ValueError) {
      set(row.key, Entry(try row.type.parse(text, .environment), .environment(name)))
    } catch {
      remarks.warn(name, error.wrong, error.right, Self.usedInstead(row))
    }
  }

  /// Only `true` in any case is true; what is neither true nor false counts as false, and is said.
  private static func boolean(
    _ text: String, _ name: String, _ remarks: inout Remarks
  ) -> Bool {
    let word = text.lowercased()
    if word != "true", word != "false" {
      remarks.warn(
        name, "\(shown(text)) is not a boolean", "write true or false", "false is used")
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
