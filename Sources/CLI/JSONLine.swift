// SPDX-License-Identifier: Apache-2.0
// One JSON object on one line, for `--json`. Text is valid UTF-8 because String repairs it.

internal import Platform

package struct JSONLine: Sendable {
  private var text = "{"

  package init() {}

  package mutating func add(_ key: String, _ value: String) { member(key, Self.quoted(value)) }
  package mutating func add(_ key: String, _ value: Int) { member(key, String(value)) }
  package mutating func add(_ key: String, _ value: UInt64) { member(key, String(value)) }
  package mutating func add(_ key: String, _ value: Bool) { member(key, value ? "true" : "false") }
  package mutating func add(_ key: String, thousandths value: UInt64) {
    member(key, decimal(thousandths: value))
  }
  package mutating func add(_ key: String, _ values: [String]) {
    member(key, "[" + values.map(Self.quoted).joined(separator: ",") + "]")
  }
  package mutating func add(_ key: String, _ values: [UInt64]) {
    member(key, "[" + values.map(String.init).joined(separator: ",") + "]")
  }
  package mutating func add(_ key: String, _ values: [JSONLine]) {
    member(key, "[" + values.map { $0.finished() }.joined(separator: ",") + "]")
  }

  package mutating func add(_ key: String, _ value: JSONLine) { member(key, value.finished()) }
  package mutating func addNull(_ key: String) { member(key, "null") }

  /// Without the newline.
  package func finished() -> String { text + "}" }

  private mutating func member(_ key: String, _ rendered: String) {
    if text.utf8.count > 1 { text += "," }
    text += Self.quoted(key) + ":" + rendered
  }

  package static func quoted(_ value: String) -> String {
    "\"\(jsonEscaped(value, forTerminal: true))\""
  }
}
