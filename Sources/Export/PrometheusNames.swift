// SPDX-License-Identifier: Apache-2.0
// OpenTelemetry's metric names as Prometheus spells them, by OpenTelemetry's rules.

package import Metrics

package enum PrometheusNames {
  /// The name of a family, with its unit and, for counters, `_total`.
  package static func family(_ descriptor: InstrumentDescriptor) -> String {
    var tokens = tokens(of: descriptor.name)
    let isRatio = descriptor.kind == .gauge && descriptor.unit == "1"
    // `total` and `ratio` come last, wherever they stood.
    if descriptor.kind == .counter { tokens.removeAll { $0 == "total" } }
    if isRatio { tokens.removeAll { $0 == "ratio" } }
    let (unit, per) = words(ofUnit: descriptor.unit)
    if !unit.isEmpty, !tokens.contains(unit) { tokens.append(unit) }
    if !per.isEmpty, !tokens.contains(per) { tokens += ["per", per] }
    if descriptor.kind == .counter { tokens.append("total") }
    if isRatio { tokens.append("ratio") }
    let name = tokens.joined(separator: "_")
    guard let first = name.utf8.first, isDigit(first) else { return name }
    return "_" + name
  }

  /// The name as OpenMetrics has it: only a counter's samples end in `_total`.
  static func openMetricsFamily(_ descriptor: InstrumentDescriptor) -> String {
    let name = family(descriptor)
    return descriptor.kind == .counter ? String(name.dropLast("_total".count)) : name
  }

  /// The unit, where the name ends with it, as OpenMetrics demands.
  static func unit(_ descriptor: InstrumentDescriptor) -> String? {
    let (main, per) = words(ofUnit: descriptor.unit)
    let isRatio = descriptor.kind == .gauge && descriptor.unit == "1"
    let parts = [isRatio ? "ratio" : main] + (per.isEmpty ? [] : ["per", per])
    let unit = parts.filter { !$0.isEmpty }.joined(separator: "_")
    return !unit.isEmpty && openMetricsFamily(descriptor).hasSuffix("_\(unit)") ? unit : nil
  }

  private static func tokens(of name: String) -> [String] {
    name.split { character in
      guard let byte = character.asciiValue else { return true }
      return !isLetter(byte) && !isDigit(byte) && byte != UInt8(ascii: ":")
    }.map(String.init)
  }

  /// The unit in words, and what it is taken per; annotations in braces are no unit.
  private static func words(ofUnit unit: String) -> (unit: String, per: String) {
    let parts = unit.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let main = parts.first.map { word(String($0)) } ?? ""
    return (main, parts.count > 1 ? perWord(String(parts[1])) : "")
  }

  private static func word(_ unit: String) -> String {
    guard !unit.contains("{") else { return "" }
    return units[unit] ?? tokens(of: unit).joined(separator: "_")
  }

  private static func perWord(_ unit: String) -> String {
    guard !unit.contains("{") else { return "" }
    return perUnits[unit] ?? tokens(of: unit).joined(separator: "_")
  }

  private static let units = [
    "1": "", "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds",
    "us": "microseconds", "ns": "nanoseconds", "By": "bytes", "KiBy": "kibibytes",
    "MiBy": "mebibytes", "GiBy": "gibibytes", "TiBy": "tibibytes", "KBy": "kilobytes",
    "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes", "m": "meters", "V": "volts",
    "A": "amperes", "J": "joules", "W": "watts", "g": "grams", "Cel": "celsius", "Hz": "hertz",
    "%": "percent",
  ]

  private static let perUnits = [
    "s": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week",
    "mo": "month", "y": "year",
  ]

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }
}
