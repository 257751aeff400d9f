// SPDX-License-Identifier: Apache-2.0
// Label sets as Prometheus writes them: rendered once per series, copied at each scrape.

public enum LabelText {
  /// Renders `name="value"` pairs, by their names, with commas between them; an empty value is a
  /// label that is not there.
  ///
  /// Values of names that Prometheus cannot tell apart are joined by semicolons in the order of the
  /// names as they were, as OpenTelemetry's rules say.
  public static func render(_ names: [String], _ values: [String]) -> [UInt8] {
    precondition(names.count == values.count, "one value per name")
    var labels: [(name: [UInt8], value: String)] = []
    let pairs = zip(names, values).sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
    for (name, value) in pairs where !value.isEmpty {
      let rendered = labelName(name)
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

  /// Whatever a label's name cannot have becomes an underscore, of which none follows another; a
  /// leading digit gets a prefix.
  ///
  /// So no name begins with the two that Prometheus keeps for itself.
  static func labelName(_ name: String) -> [UInt8] {
    var rendered: [UInt8] = []
    if name.utf8.first.map(isDigit) ?? true { rendered.append(contentsOf: "key_".utf8) }
    for byte in name.utf8 {
      if isLetter(byte) || isDigit(byte) {
        rendered.append(byte)
      } else if rendered.last != UInt8(ascii: "_") {
        rendered.append(UInt8(ascii: "_"))
      }
    }
    return rendered
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
