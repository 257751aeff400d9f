// SPDX-License-Identifier: Apache-2.0
// One empty request to each collector, to learn whether and how it answers. Runs on the caller's
// thread and keeps nothing.

package import Config
internal import Platform
internal import Transport

package struct DestinationCheck: Sendable {
  /// What stands in the way.
  package enum Fault: Sendable {
    case resolve, connect, timeout, tls, protocolMismatch, unauthorized, notFound, refused, busy
    /// No request can be made of what is configured.
    case settings
  }

  package let signal: String
  /// Without a query, which may hold a key.
  package let url: String
  /// What happened, in words.
  package let result: String
  /// nil when the collector takes our requests.
  package let fault: Fault?

  /// Asks all at once and waits for the last; each has the time that its configuration allows, but
  /// no more than 10 s.
  package static func run(_ settings: Settings, version: String) -> [DestinationCheck] {
    let asked = Exporter.asked(settings)
    guard let (signal, destination) = asked.first else { return [] }
    do throws(TransportError) {
      return try run(asked, settings.export, version)
    } catch {
      return [DestinationCheck(signal, destination, "\(error)", .settings)]
    }
  }

  private static func run(
    _ asked: [(Transport.Signal, Config.Destination)], _ export: Settings.Export, _ version: String
  ) throws(TransportError) -> [DestinationCheck] {
    let transfers = try Transfers()
    var checks: [DestinationCheck?] = Array(repeating: nil, count: asked.count)
    var clients: [OTLPClient?] = []
    for (index, (signal, destination)) in asked.enumerated() {
      do throws(Obstacle) {
        let form = BodyForm(destination, export)
        let client = try ready(signal, destination, version)
        try begin(client, form, transfers, token: UInt64(index))
        clients.append(client)
      } catch {
        clients.append(nil)
        checks[index] = DestinationCheck(signal, destination, error.result, error.fault)
      }
    }
    let deadline = Clock.bootNanoseconds() + 10_000_000_000
    while transfers.activeCount > 0, Clock.bootNanoseconds() < deadline {
      try transfers.wait(milliseconds: 100) { completion in
        let index = Int(completion.token)
        guard let client = clients[index] else { return }
        let seconds = Int64(Clock.shared.unixNanoseconds() / 1_000_000_000)
        checks[index] = DestinationCheck(
          asked[index].0, asked[index].1,
          client.outcome(of: completion, unixSeconds: seconds))
      }
    }
    return checks.enumerated().map { index, check in
      check ?? DestinationCheck(asked[index].0, asked[index].1, "no answer in 10 s", .timeout)
    }
  }

  /// Why nothing could be sent.
  private struct Obstacle: Error {
    let result: String
    let fault: Fault
  }

  private static func ready(
    _ signal: Transport.Signal, _ destination: Config.Destination, _ version: String
  ) throws(Obstacle) -> OTLPClient {
    let client: OTLPClient
    do throws(ExportError) {
      client = try Exporter.client(destination, signal, version)
    } catch {
      throw Obstacle(result: "\(error)", fault: .settings)
    }
    do throws(TransferFailure) {
      try client.refresh(now: Clock.bootNanoseconds())
    } catch {
      throw Obstacle(result: error.message, fault: .tls)
    }
    return client
  }

  private static func begin(
    _ client: OTLPClient, _ form: BodyForm, _ transfers: Transfers, token: UInt64
  ) throws(Obstacle) {
    let body: any BodySource
    do throws(BodyError) { body = try emptyBody(form) } catch {
      throw Obstacle(result: "\(error)", fault: .settings)
    }
    do throws(TransportError) {
      try transfers.start(client.request(body: body), token: token)
    } catch {
      throw Obstacle(result: "\(error)", fault: .settings)
    }
  }

  /// An envelope without records is a whole request of OTLP.
  private static func emptyBody(_ form: BodyForm) throws(BodyError) -> any BodySource {
    try BodyEncoder().body(ofRequest: form.isJSON ? Array("{}".utf8) : [], form)
  }

  private init(
    _ signal: Transport.Signal, _ destination: Config.Destination, _ result: String, _ fault: Fault?
  ) {
    self.signal = signal.rawValue
    url = destination.name
    self.result = result
    self.fault = fault
  }

  private init(
    _ signal: Transport.Signal, _ destination: Config.Destination, _ outcome: ExportOutcome
  ) {
    let name = "\(destination.protocol.rawValue)"
    switch outcome {
    case .delivered(_, let message):
      let words = message.isEmpty ? "" : " (\(message))"
      self.init(signal, destination, "takes \(name)\(words)", nil)
    case .retry(_, let failure), .refused(let failure):
      self.init(signal, destination, "\(failure)", Fault(failure))
    }
  }
}

extension DestinationCheck.Fault {
  fileprivate init(_ failure: ExportFailure) {
    switch failure.reason {
    case .http(401), .http(403), .http(407), .grpc(7), .grpc(16): self = .unauthorized
    case .http(404), .http(405): self = .notFound
    case .http(415), .http(426), .http(505): self = .protocolMismatch
    case .http(429), .http(502), .http(503), .http(504), .grpc(8), .grpc(14): self = .busy
    // UNIMPLEMENTED: a gRPC server that has no such service.
    case .grpc(12): self = .notFound
    case .http, .grpc: self = .refused
    case .transport(let kind):
      self =
        switch kind {
        case .resolve: .resolve
        case .connect: .connect
        case .timeout: .timeout
        case .tls: .tls
        case .reset, .protocol, .tooLarge, .body, .other: .protocolMismatch
        }
    }
  }
}
