// SPDX-License-Identifier: Apache-2.0
// What stands between us and a collector: as many kinds as there are things to do about it.

internal import Transport

extension DestinationCheck {
  package enum Fault: Sendable {
    case resolve, resolveTimeout, connect, connectTimeout, socket
    case tls, tlsTimeout, timeout, reset, resetTLS, protocolMismatch
    case unauthorized, notFound, noService, redirected, refused
    /// It may take the same later.
    case busy
    /// Something answers that does not speak OTLP back.
    case stranger
    /// It takes our requests, and finds fault with them.
    case reservations
    /// The proxy cannot be reached, or lets nothing through.
    case proxy
    case proxyUnauthorized
    /// A certificate or a key is no use.
    case file
    /// No request can be made of what is configured.
    case settings
    /// What sends requests is not installed.
    case library

    /// Whether an agent would deliver all the same.
    package var isWarning: Bool { self == .stranger || self == .reservations }
  }
}

extension DestinationCheck.Fault {
  init(_ error: TransportError) {
    self = if case .library = error { .library } else { .settings }
  }

  init(
    _ failure: ExportFailure, _ completion: Completion, isSecure: Bool, isSocket: Bool,
    isThroughProxy: Bool
  ) {
    let response = completion.response
    self =
      switch failure.reason {
      case .http(407): .proxyUnauthorized
      case _ where response.proxyStatus == 407: .proxyUnauthorized
      case .http(300..<400): .redirected
      case .http(401), .http(403), .grpc(7), .grpc(16): .unauthorized
      case .http(404), .http(405): .notFound
      case .http(415), .http(426), .http(505): .protocolMismatch
      case .http(429), .http(502), .http(503), .http(504), .grpc(8), .grpc(14): .busy
      // UNIMPLEMENTED: a gRPC server that has no such service.
      case .grpc(12): .noService
      case .grpc where (300..<400).contains(response.status): .redirected
      case .http, .grpc: .refused
      case .transport(.connect) where isSocket: .socket
      case .transport(.connect) where isThroughProxy: .proxy
      case .transport(.connectTimeout) where isThroughProxy: .proxy
      case .transport(.tls) where completion.failure?.isOfFile == true: .file
      case .transport(let kind): Self.of(kind, isSecure: isSecure)
      }
  }

  private static func of(_ kind: TransferFailure.Kind, isSecure: Bool) -> Self {
    switch kind {
    case .resolve: .resolve
    case .resolveTimeout: .resolveTimeout
    case .connect: .connect
    case .connectTimeout: .connectTimeout
    case .tls: .tls
    case .tlsTimeout: .tlsTimeout
    case .timeout: .timeout
    case .reset: isSecure ? .resetTLS : .reset
    case .proxy: .proxy
    case .protocol, .tooLarge, .body, .other: .protocolMismatch
    }
  }
}
