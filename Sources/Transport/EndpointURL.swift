// SPDX-License-Identifier: Apache-2.0
// From an endpoint as a person wrote it to the URL of one signal.

package enum Signal: String, Sendable, CaseIterable {
  case logs, metrics, traces

  var grpcPath: StaticString {
    switch self {
    case .logs: "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
    case .metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
    case .traces: "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    }
  }
}

package enum EndpointURL {
  /// The signal's path below a general endpoint: `http://c:4318/my` is `…/my/v1/logs`.
  package static func http(base: String, signal: Signal) throws(TransportError) -> String {
    try checkHTTP(base)
    return base.hasSuffix("/") ? "\(base)v1/\(signal)" : "\(base)/v1/\(signal)"
  }

  /// A signal's own endpoint, which is taken as it is; only an empty path becomes `/`.
  package static func http(exactly url: String) throws(TransportError) -> String {
    let authority = try checkHTTP(url)
    return authority.contains("/") ? url : "\(url)/"
  }

  /// `host:port` or a URL; a scheme beats `insecure`, and a path has no meaning in gRPC.
  package static func grpc(
    _ target: String, isInsecure: Bool, signal: Signal
  ) throws(TransportError) -> String {
    let text = target.contains("://") ? target : "\(isInsecure ? "http" : "https")://\(target)"
    let rest = try checkHTTP(text)
    let authority = rest.prefix { $0 != "/" }
    let scheme = text.dropLast(rest.count)
    return "\(scheme)\(authority)\(signal.grpcPath)"
  }

  /// Returns what follows the scheme.
  @discardableResult
  private static func checkHTTP(_ url: String) throws(TransportError) -> Substring {
    let prefixes = ["http://", "https://"]
    guard let prefix = prefixes.first(where: { url.lowercased().hasPrefix($0) }) else {
      throw .url(url, reason: "must start with http:// or https://")
    }
    let rest = url.dropFirst(prefix.count)
    guard let first = rest.first, first != "/" else { throw .url(url, reason: "has no host") }
    guard url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
      throw .url(url, reason: "has a space or a control character")
    }
    guard !rest.contains(where: { $0 == "?" || $0 == "#" }) else {
      throw .url(url, reason: "must not have a query or a fragment")
    }
    return rest
  }
}
