// SPDX-License-Identifier: Apache-2.0
// From a collector's URL to that of one signal; for HTTP the configuration has it complete.

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
  /// The signal's method at a collector; a path has no meaning in gRPC.
  package static func grpc(_ url: String, signal: Signal) throws(TransportError) -> String {
    let rest = try checkHTTP(url)
    let authority = rest.prefix { $0 != "/" }
    return "\(url.dropLast(rest.count))\(authority)\(signal.grpcPath)"
  }

  /// Returns what follows the scheme.
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
