// SPDX-License-Identifier: Apache-2.0
// The options that each signal has for itself, and how they are named in files and variables.

enum Signal: String, CaseIterable {
  case logs, metrics, traces

  var path: String { "v1/\(rawValue)" }

  /// The option for this signal alone.
  func key(_ option: SignalOption) -> OptionKey {
    option.key("export.\(rawValue).\(option.rawValue)")
  }
}

enum SignalOption: String, CaseIterable {
  case exporter, endpoint, `protocol`, insecure, headers, timeout, compression, certificate
  case clientCertificate = "client_certificate"
  case clientKey = "client_key"

  /// The option for all signals, which all but `exporter` have.
  var general: OptionKey { key("export.\(rawValue)") }

  fileprivate func key(_ name: String) -> OptionKey {
    // A test reads each option of each signal.
    guard let key = OptionKey(rawValue: name) else { preconditionFailure("no option \(name)") }
    return key
  }
}

extension OptionTable {
  static let perSignal: [OptionRow] =
    signal(.logs, ["otlp", "console"])
    + signal(.metrics, ["otlp", "console", "prometheus"], obsolete: "METRIC")
    + signal(.traces, ["otlp", "console"], obsolete: "SPAN")

  private static func signal(
    _ signal: Signal, _ exporters: [String], obsolete: String? = nil
  ) -> [OptionRow] {
    let name = signal.rawValue
    let upper = name.uppercased()
    let variable = "OTEL_EXPORTER_OTLP_\(upper)_"
    var rows = [
      OptionRow(
        signal.key(.exporter), .choices(exporters, alone: ["none"]), nil,
        "Where \(name) go; not set means otlp if there is an endpoint",
        env: "OTEL_\(upper)_EXPORTER")
    ]
    let others: [(SignalOption, ValueType, String)] = [
      (.endpoint, .endpoint, "Receiver of \(name) alone, its path used as it is"),
      (.protocol, protocolType, "Protocol for \(name) alone"),
      (.insecure, .boolean, "Plain text for \(name) alone"),
      (.headers, .headers, "Headers for \(name) alone, in place of the others"),
      (.timeout, timeoutType, "Time allowed for one batch of \(name)"),
      (.compression, compressionType, "Compression of \(name) alone"),
      (.certificate, .file, "Authorities to trust with \(name)"),
      (.clientCertificate, .file, "The client's certificate for \(name) alone"),
      (.clientKey, .file, "The client's key for \(name) alone"),
    ]
    for (option, type, summary) in others {
      var row = OptionRow(
        signal.key(option), type, nil, summary, env: variable + option.rawValue.uppercased())
      if option == .insecure, let obsolete {
        row.obsoleteEnvironment = "OTEL_EXPORTER_OTLP_\(obsolete)_INSECURE"
      }
      rows.append(row)
    }
    return rows
  }
}
