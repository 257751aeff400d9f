// SPDX-License-Identifier: Apache-2.0
// Label sets as Prometheus writes them: rendered once per series, copied at each scrape.

public enum LabelText {
  /// Renders `name="value"` pairs with commas between them; an empty value is a label that is not
  /// there.
  public static func render(_ names: [String], _ values: [String]) -> [UInt8] {
    precondition(names.count == values.count, "one value per name")
    var text: [UInt8] = []
    for (name, value) in zip(names, values) where !value.isEmpty {
      if !text.isEmpty { text.append(UInt8(ascii: ",")) }
      appendName(name, to: &text)
      text.append(UInt8(ascii: "="))
      text.append(UInt8(ascii: "\""))
      appendEscaped(value, to: &text)
      text.append(UInt8(ascii: "\""))
    }
    return text
  }

  /// Invalid bytes become underscores; a leading digit gets a prefix.
  static func appendName(_ name: String, to text: inout [UInt8]) {
    if let first = name.utf8.first, isDigit(first) { text.append(contentsOf: "key_".utf8) }
    for byte in name.utf8 {
      text.append(isLetter(byte) || isDigit(byte) ? byte : UInt8(ascii: "_"))
    }
  }

  static func appendEscaped(_ value: String, to text: inout [UInt8]) {
    for byte in value.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): text.append(contentsOf: #"\\"#.utf8)
      case UInt8(ascii: "\""): text.append(contentsOf: #"\""#.utf8)
      case UInt8(ascii: "\n"): text.append(contentsOf: #"\n"#.utf8)
      default: text.append(byte)
      }
    }
  }

  static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }
}
