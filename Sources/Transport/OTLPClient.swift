// SPDX-License-Identifier: Apache-2.0
// One signal to one collector over any of the protocols: how to ask, and what the answer means.

package enum OTLPProtocol: String, Sendable {
  case grpc
  case httpProtobuf = "http/protobuf"
  case httpJSON = "http/json"
}

/// What the endpoints of one collector have in common.
package struct OTLPSettings {
  package var transport: OTLPProtocol
  package var headers: [(name: String, value: String)]
  /// What `headers` are by now, nil when that cannot be told; nil where they never change.
  package var currentHeaders: (() -> [(name: String, value: String)]?)?
  /// Of one whole attempt; 0 is no limit.
  package var timeoutMilliseconds: Int
  package var tls: TLSFiles
  package var isGzipped: Bool
  package var unixSocket: String?
  package var proxy: Proxy
  /// Of the agent, which the exporter is a part of.
  package var version: String

  package init(
    transport: OTLPProtocol, headers: [(name: String, value: String)] = [],
    currentHeaders: (() -> [(name: String, value: String)]?)? = nil,
    timeoutMilliseconds: Int = 10_000, tls: TLSFiles = TLSFiles(), isGzipped: Bool = false,
    unixSocket: String? = nil, proxy: Proxy = .environment, version: String
  ) {
    self.transport = transport
    self.headers = headers
    self.currentHeaders = currentHeaders
    self.timeoutMilliseconds = timeoutMilliseconds
    self.tls = tls
    self.isGzipped = isGzipped
    self.unixSocket = unixSocket
    self.proxy = proxy
    self.version = version
  }
}

/// Makes requests for one URL.
///
/// Owned by the thread that owns the `Transfers` it is used on.
package final class OTLPClient {
  private let transport: OTLPProtocol
  private let isGzipped: Bool
  private let destination: Destination
  /// Those that OTLP has, which come before the configured ones.
  private let ownHeaders: [(name: String, value: String)]
  private var configuredHeaders: [(name: String, value: String)]
  private let currentHeaders: (() -> [(name: String, value: String)]?)?
  private var headersLookedAt: UInt64 = 0
  private var secrets: Secrets

  private static let lookNanoseconds: UInt64 = 1_000_000_000

  /// `url` is what `EndpointURL` made of the configured endpoint.
  package init(url: String, settings: OTLPSettings) throws(TransportError) {
    transport = settings.transport
    isGzipped = settings.isGzipped
    var headers: [(name: String, value: String)]
    switch settings.transport {
    case .httpProtobuf: headers = [("Content-Type", OTLPHTTP.protobuf)]
    case .httpJSON: headers = [("Content-Type", OTLPHTTP.json)]
    case .grpc:
      headers = [
        ("content-type", GRPC.contentType), ("te", "trailers"),
        ("grpc-accept-encoding", "identity"),
      ]
      if settings.timeoutMilliseconds > 0 {
        let value = GRPC.timeoutValue(milliseconds: settings.timeoutMilliseconds)
        headers.append(("grpc-timeout", value))
      }
    }
    if isGzipped {
      headers.append((transport == .grpc ? "grpc-encoding" : "Content-Encoding", "gzip"))
    }
    ownHeaders = headers
    configuredHeaders = settings.headers
    currentHeaders = settings.currentHeaders
    secrets = Secrets(headers: settings.headers, proxy: settings.proxy)
    destination = try Destination(
      url: url, headers: headers + settings.headers,
      version: settings.transport == .grpc ? .http2 : .http1,
      timeoutMilliseconds: settings.timeoutMilliseconds,
      // The exporter as OTLP wants it, and before it, as it allows, whose it is.
      userAgent: "apus/\(settings.version) OTel-OTLP-Exporter-Swift/\(settings.version)",
      tls: settings.tls, unixSocket: settings.unixSocket, proxy: settings.proxy)
  }

  /// Looks whether certificates or headers have changed; to be called before a request is made.
  package func refresh(now: UInt64) throws(TransferFailure) {
    try destination.tls.refresh(now: now)
    guard let currentHeaders, now >= headersLookedAt + OTLPClient.lookNanoseconds else { return }
    headersLookedAt = now
    guard let headers = currentHeaders(), !headers.elementsEqual(configuredHeaders, by: ==) else {
      return
    }
    do throws(TransportError) {
      try destination.replace(headers: ownHeaders + headers)
      secrets = Secrets(headers: headers, proxy: destination.proxy)
      configuredHeaders = headers
    } catch {
      throw TransferFailure(kind: .other, code: 0, message: "\(error)")
    }
  }

  /// `body` is an Export…ServiceRequest, in JSON and compressed if the settings say so.
  package func request(body: any BodySource) -> Request {
    let framed: any BodySource =
      transport == .grpc ? FramedBody(body, isCompressed: isGzipped) : body
    return Request(destination: destination, body: framed)
  }

  /// `unixSeconds` is the time now, for a `Retry-After` that is a date.
  package func outcome(of completion: Completion, unixSeconds: Int64) -> ExportOutcome {
    let outcome =
      switch transport {
      case .httpProtobuf, .httpJSON: OTLPHTTP.outcome(of: completion, unixSeconds: unixSeconds)
      case .grpc: GRPC.outcome(of: completion)
      }
    return secrets.hidden(in: outcome)
  }
}
