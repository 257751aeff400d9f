// SPDX-License-Identifier: Apache-2.0
// From the options of one signal to its destination, by the OTLP exporter specification.

enum Signal {
  case logs, metrics

  var path: String { self == .logs ? "v1/logs" : "v1/metrics" }
  var exporter: OptionKey { self == .logs ? .logsExporter : .metricsExporter }
  var endpoint: OptionKey { self == .logs ? .logsEndpoint : .metricsEndpoint }
  var `protocol`: OptionKey { self == .logs ? .logsProtocol : .metricsProtocol }
  var insecure: OptionKey { self == .logs ? .logsInsecure : .metricsInsecure }
  var headers: OptionKey { self == .logs ? .logsHeaders : .metricsHeaders }
  var timeout: OptionKey { self == .logs ? .logsTimeout : .metricsTimeout }
}

extension Layer {
  /// Per-signal options win over general ones whatever their sources, as in the specification.
  func signal(
    _ signal: Signal, _ warnings: inout [ConfigWarning]
  ) throws(ConfigError)
    -> SignalSettings
  {
    var asked: [String]?
    if case .choices(let exporters)? = self[signal.exporter]?.value { asked = exporters }
    guard boolean(.exportEnabled) else { return SignalSettings(destination: nil, console: false) }
    return SignalSettings(
      destination: try destination(signal, asked: asked?.contains("otlp"), &warnings),
      console: asked?.contains("console") ?? false)
  }

  private func destination(
    _ signal: Signal, asked: Bool?, _ warnings: inout [ConfigWarning]
  ) throws(ConfigError) -> Destination? {
    guard asked ?? true else { return nil }
    let protocolKey = self[signal.protocol] == nil ? OptionKey.exportProtocol : signal.protocol
    let chosen: ExportProtocol = choice(protocolKey)
    var url: String?
    for key in [signal.endpoint, .exportEndpoint] where url == nil {
      guard let entry = self[key], case .endpoint(let endpoint) = entry.value else { continue }
      if chosen == .grpc {
        if endpoint.path != "", endpoint.path != "/" {
          warn(
            entry.source, "\(shown(endpoint.path)) is a path, and grpc has its own",
            "write the endpoint without it", "the path is ignored", &warnings)
        }
        url = grpcURL(endpoint, signal)
      } else if endpoint.scheme == nil {
        try refuseBare(endpoint, key, entry.source, &warnings)
      } else {
        url = httpURL(endpoint, appending: key == .exportEndpoint ? signal.path : nil)
      }
    }
    if url == nil, asked == true {
      // The specification's defaults, used only when OTLP is asked for by name.
      url = chosen == .grpc ? "http://localhost:4317" : "http://localhost:4318/\(signal.path)"
    }
    guard let url else { return nil }
    let headersKey = self[signal.headers] == nil ? OptionKey.exportHeaders : signal.headers
    let timeoutKey = self[signal.timeout] == nil ? OptionKey.exportTimeout : signal.timeout
    return Destination(
      protocol: chosen, url: url, headers: pairs(headersKey),
      timeoutMilliseconds: number(timeoutKey))
  }

  /// A file that cannot be followed stops the start; a variable is named and not used.
  private func refuseBare(
    _ endpoint: Endpoint, _ key: OptionKey, _ source: Source, _ warnings: inout [ConfigWarning]
  ) throws(ConfigError) {
    let wrong = "\(shown(endpoint.description)) has no http:// or https://"
    let right = "write \(shown("http://\(endpoint)")), or set the protocol to grpc"
    guard case .environment = source else {
      throw ConfigError(
        source: source, key: key.rawValue, kind: .conflict(problem: wrong, remedy: right))
    }
    warn(source, wrong, right, "the variable is ignored", &warnings)
  }

  /// The general endpoint is met once per signal and reported once.
  private func warn(
    _ source: Source, _ wrong: String, _ right: String, _ used: String,
    _ warnings: inout [ConfigWarning]
  ) {
    let warning = ConfigWarning(source: source, wrong: wrong, right: right, used: used)
    if !warnings.contains(warning) { warnings.append(warning) }
  }

  private func grpcURL(_ endpoint: Endpoint, _ signal: Signal) -> String {
    let isPlain = boolean(self[signal.insecure] == nil ? .exportInsecure : signal.insecure)
    let scheme = endpoint.scheme ?? (isPlain ? .http : .https)
    return "\(scheme.rawValue)://\(endpoint.authority)"
  }

  /// `suffix` is nil for a signal's own endpoint, whose path is used as it is.
  private func httpURL(_ endpoint: Endpoint, appending suffix: String?) -> String {
    let base = "\(endpoint.scheme?.rawValue ?? "http")://\(endpoint.authority)"
    let query = endpoint.path.firstIndex(of: "?") ?? endpoint.path.endIndex
    var path = String(endpoint.path[..<query])
    if let suffix { path += (path.hasSuffix("/") ? "" : "/") + suffix }
    return base + (path.isEmpty ? "/" : path) + endpoint.path[query...]
  }
}
