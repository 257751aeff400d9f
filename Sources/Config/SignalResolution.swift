// SPDX-License-Identifier: Apache-2.0
// From the options of one signal to its destination, by the OTLP exporter specification.

extension Layer {
  /// Per-signal options win over general ones whatever their sources, as in the specification.
  func signal(
    _ signal: Signal, _ warnings: inout [ConfigWarning]
  ) throws(ConfigError)
    -> SignalSettings
  {
    var asked: [String]?
    if case .choices(let exporters)? = self[signal.key(.exporter)]?.value { asked = exporters }
    guard boolean(.exportEnabled) else { return SignalSettings(destination: nil, console: false) }
    return SignalSettings(
      destination: try destination(signal, asked: asked?.contains("otlp"), &warnings),
      console: asked?.contains("console") ?? false)
  }

  private func destination(
    _ signal: Signal, asked: Bool?, _ warnings: inout [ConfigWarning]
  ) throws(ConfigError) -> Destination? {
    guard asked ?? true else { return nil }
    let chosen: ExportProtocol = choice(effective(.protocol, signal))
    var place: Place?
    for key in [signal.key(.endpoint), .exportEndpoint] where place == nil {
      guard let entry = self[key], case .endpoint(let endpoint) = entry.value else { continue }
      if endpoint.scheme == .unix {
        // The URL's host is what the request says of itself; no name is looked up.
        let path = chosen == .grpc ? "" : "/\(signal.path)"
        place = Place(url: "http://localhost\(path)", socket: endpoint.path)
      } else if chosen == .grpc {
        if endpoint.path != "", endpoint.path != "/" {
          warn(
            entry.source, "\(shown(endpoint.shownPath)) is a path, and grpc has its own",
            "write the endpoint without it", "the path is ignored", &warnings)
        }
        place = Place(url: grpcURL(endpoint, signal))
      } else if endpoint.scheme == nil {
        try refuseBare(endpoint, key, entry.source, &warnings)
      } else {
        if key == .exportEndpoint { warnOfSuffix(endpoint, entry.source, &warnings) }
        place = Place(url: httpURL(endpoint, appending: key == .exportEndpoint ? signal.path : nil))
      }
    }
    if place == nil, asked == true {
      // The specification's defaults, used only when OTLP is asked for by name.
      place = Place(
        url: chosen == .grpc ? "http://localhost:4317" : "http://localhost:4318/\(signal.path)")
    }
    guard let place else { return nil }
    return Destination(
      protocol: chosen, url: place.url, unixSocket: place.socket,
      headers: pairs(effective(.headers, signal)),
      timeoutMilliseconds: number(effective(.timeout, signal)),
      compression: choice(effective(.compression, signal)),
      tls: try tls(signal, &warnings), proxy: proxy)
  }

  /// The commonest slip: the URL of one signal in the place of all.
  private func warnOfSuffix(
    _ endpoint: Endpoint, _ source: Source, _ warnings: inout [ConfigWarning]
  ) {
    let path = endpoint.shownPath
    guard let signal = Signal.allCases.first(where: { path.hasSuffix("/\($0.path)") }) else {
      return
    }
    warn(
      source, "the path ends with \(signal.path) already",
      "write the endpoint without it, or set \(signal.key(.endpoint).rawValue)",
      "each signal's own path is appended to it", &warnings)
  }

  private struct Place {
    let url: String
    var socket: String?
  }

  /// The key that counts for a signal: its own where that is set.
  private func effective(_ option: SignalOption, _ signal: Signal) -> OptionKey {
    let own = signal.key(option)
    return self[own] == nil ? option.general : own
  }

  private var proxy: Proxy? {
    if case .proxy(let proxy)? = self[.exportProxy]?.value { proxy } else { nil }
  }

  private func tls(
    _ signal: Signal, _ warnings: inout [ConfigWarning]
  ) throws(ConfigError) -> TLSPaths {
    let authorities = text(effective(.certificate, signal))
    let certificate = effective(.clientCertificate, signal)
    let key = effective(.clientKey, signal)
    guard (self[certificate] == nil) != (self[key] == nil) else {
      return TLSPaths(
        authorities: authorities, certificate: text(certificate), key: text(key))
    }
    let (given, missing) = self[key] == nil ? (certificate, key) : (key, certificate)
    let source = self[given]?.source ?? .fallback
    let wrong = "stands without \(missing.rawValue)"
    guard case .environment = source else {
      throw ConfigError(
        source: source, key: given.rawValue,
        kind: .conflict(problem: wrong, remedy: "give both, or neither"))
    }
    warn(
      source, wrong, "give both, or neither", "no client certificate is used", &warnings)
    return TLSPaths(authorities: authorities)
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
    let isPlain = boolean(effective(.insecure, signal))
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
