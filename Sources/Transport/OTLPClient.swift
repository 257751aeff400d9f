// SPDX-License-Identifier: Apache-2.0
// One signal to one collector over either protocol: how to ask, and what the answer means.

package enum OTLPProtocol: String, Sendable {
  case grpc
  case httpProtobuf = "http/protobuf"
}

/// What the endpoints of one collector have in common.
package struct OTLPSettings {
  package var transport: OTLPProtocol
  package var headers: [(name: String, value: String)]
  /// Of one whole attempt; 0 is no limit.
  package var timeoutMilliseconds: Int
  package var tls: TLSFiles
  /// The version in `OTel-OTLP-Exporter-Swift/<version>`.
  package var version: String

  package init(
    transport: OTLPProtocol, headers: [(name: String, value: String)] = [],
    timeoutMilliseconds: Int = 10_000, tls: TLSFiles = TLSFiles(), version: String
  ) {
    self.transport = transport
    self.headers = headers
    self.timeoutMilliseconds = timeoutMilliseconds
    self.tls = tls
    self.version = version
  }
}

/// Makes requests for one URL.
///
/// Owned by the thread that owns the `Transfers` it is used on.
package final class OTLPClient {
  private let transport: OTLPProtocol
  private let destination: Destination

  /// `url` is what `EndpointURL` made of the configured endpoint.
  package init(url: String, settings: OTLPSettings) throws(TransportError) {
    transport = settings.transport
    var headers: [(name: String, value: String)]
    switch settings.transport {
    case .httpProtobuf: headers = [("Content-Type", OTLPHTTP.contentType)]
    case .grpc:
      headers = [("content-type", GRPC.contentType), ("te", "trailers")]
      if settings.timeoutMilliseconds > 0 {
        let value = GRPC.timeoutValue(milliseconds: settings.timeoutMilliseconds)
        headers.append(("grpc-timeout", value))
      }
    }
    headers += settings.headers
    destination = try Destination(
      url: url, headers: headers, version: settings.transport == .grpc ? .http2 : .http1,
      timeoutMilliseconds: settings.timeoutMilliseconds,
      userAgent: "OTel-OTLP-Exporter-Swift/\(settings.version)", tls: settings.tls)
  }

  /// `body` is an encoded Export…ServiceRequest.
  package func request(body: any BodySource) -> Request {
    let framed: any BodySource = transport == .grpc ? FramedBody(body) : body
    return Request(destination: destination, body: framed)
  }

  /// `unixSeconds` is the time now, for a `Retry-After` that is a date.
  package func outcome(of completion: Completion, unixSeconds: Int64) -> ExportOutcome {
    switch transport {
    case .httpProtobuf: OTLPHTTP.outcome(of: completion, unixSeconds: unixSeconds)
    case .grpc: GRPC.outcome(of: completion)
    }
  }
}
