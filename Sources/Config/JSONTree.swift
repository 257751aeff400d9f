// SPDX-License-Identifier: Apache-2.0
// A JSON document in memory, written with two blanks a level: for what people read and diff.

internal import Platform

package indirect enum JSONTree: Sendable {
  case object([(String, JSONTree)])
  case array([JSONTree])
  case string(String)
  case integer(Int)
  case boolean(Bool)

  /// Words as an array.
  static func words(_ words: [String]) -> JSONTree { .array(words.map { .string($0) }) }

  package var text: String {
    var out = ""
    write(to: &out, indent: "")
    return out + "\n"
  }

  private func write(to out: inout String, indent: String) {
    let deeper = indent + "  "
    switch self {
    case .object(let members):
      guard !members.isEmpty else { return out += "{}" }
      out += "{\n"
      for (index, (key, value)) in members.enumerated() {
        out += "\(deeper)\"\(jsonEscaped(key))\": "
        value.write(to: &out, indent: deeper)
        out += index + 1 < members.count ? ",\n" : "\n"
      }
      out += "\(indent)}"
    case .array(let items):
      guard !items.isEmpty else { return out += "[]" }
      out += "[\n"
      for (index, item) in items.enumerated() {
        out += deeper
        item.write(to: &out, indent: deeper)
        out += index + 1 < items.count ? ",\n" : "\n"
      }
      out += "\(indent)]"
    case .string(let text): out += "\"\(jsonEscaped(text))\""
    case .integer(let number): out += String(number)
    case .boolean(let value): out += value ? "true" : "false"
    }
  }
}
