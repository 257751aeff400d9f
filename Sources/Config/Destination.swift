// SPDX-License-Identifier: Apache-2.0
// Where one signal goes, and how, once all sources of options have been laid over each other.

package enum ExportProtocol: String, CaseIterable, Sendable {
  case httpProtobuf = "http/protobuf"
  case httpJSON = "http/json"
  case grpc
}

package enum Compression: String, CaseIterable, Sendable {
  case none, gzip
}

/// Files in PEM.
package struct TLSPaths: Equatable, Sendable {
  /// Nil is the system's.
  package let authorities: String?
  /// Of the client: both or neither.
  package let certificate: String?
  package let key: String?

  package init(authorities: String? = nil, certificate: String? = nil, key: String? = nil) {
    self.authorities = authorities
    self.certificate = certificate
    self.key = key
  }
}

/// Where one signal goes over OTLP.
package struct Destination: Equatable, Sendable {
  package let `protocol`: ExportProtocol
  /// Complete for HTTP; scheme, host and port for gRPC; for a socket that of localhost.
  package let url: String
  /// The path of a Unix socket, in place of a connection to the URL's host.
  package let unixSocket: String?
  package let headers: [Pair]
  /// For one batch; zero is no limit.
  package let timeoutMilliseconds: Int
  package let compression: Compression
  package let tls: TLSPaths
  /// Nil is what the environment says.
  package let proxy: Proxy?

  /// For people: without a query, which may hold a key.
  package var name: String { unixSocket.map { "unix://\($0)" } ?? String(url.prefix { $0 != "?" }) }
}

package struct SignalSettings: Equatable, Sendable {
  /// Nil when nothing asks for OTLP.
  package let destination: Destination?
  /// OTLP JSON lines on standard output, which `console` asks for.
  package let console: Bool
}
