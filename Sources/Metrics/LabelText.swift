// SPDX-License-Identifier: Apache-2.0
// Label sets as Prometheus writes them: rendered once per series, copied at each scrape.

public enum LabelText {
  /// Renders `name="value"` pairs with commas between them; an empty value is a label that is not
  /// there.
  ///
  /// Values of names that Prometheus cannot tell apart are joined by semicolons, in their order, as
  /// OpenTelemetry's rules say.
  public static func render(_ names: [String], _ values: [String]) -> [UInt8] {
    precondition(names.count == values.count, "one value per name")
    var labels: [(name: [UInt8], value: String)] = []
    for (name, value) in zip(names, values) where !value.isEmpty {
      var rendered: [UInt8] = []
      appendName(name, to: &rendered)
      if let known = labels.firstIndex(where: { $0.name == rendered }) {
        labels[known].value += ";" + value
      } else {
        labels.append((rendered, value))
      }
    }
    var text: [UInt8] = []
    for (name, value) in labels {
      if !text.isEmpty { text.append(UInt8(ascii: ",")) }
      text.append(contentsOf: name)
      text.append(UInt8(ascii: "="))
      text.append(UInt8(ascii: "\""))
      appendEscaped(value, to: &text)
      text.append(UInt8(ascii: "\""))
    }
    return text
  }

  /// Invalid bytes become underscores; a leading digit gets a prefix, and so does what Prometheus
  /// keeps for itself.
  static func appendName(_ name: String, to text: inout [UInt8]) {
    let isTaken = name.utf8.first.map(isDigit) ?? false || name.hasPrefix("__")
    if isTaken { text.append(contentsOf: "key_".utf8) }
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
