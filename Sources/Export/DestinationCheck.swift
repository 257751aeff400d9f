// SPDX-License-Identifier: Apache-2.0
// One empty request to each collector, to learn whether and how it answers. Runs on the caller's
// thread and keeps nothing.

package import Config
internal import Platform
internal import Transport

package struct DestinationCheck: Sendable {
  package let signal: String
  /// Without a query, which may hold a key.
  package let url: String
  /// "HOST:PORT" of the proxy on the way.
  package let proxy: String?
  /// What happened, in words.
  package let result: String
  /// nil when the collector takes our requests.
  package private(set) var fault: Fault?

  /// Asks all at once and waits for the last; each has the time that its configuration allows, but
  /// no more than 10 s.
  package static func run(_ settings: Settings, version: String) -> [DestinationCheck] {
    let asked = Exporter.asked(settings)
    guard !asked.isEmpty else { return [] }
    do throws(TransportError) {
      return try run(asked, settings.export, version)
    } catch {
      return asked.map { DestinationCheck($0.0, $0.1, "\(error)", Fault(error)) }
    }
  }

  /// An attempt ends by itself before the wait for all does, and so tells how far it came.
  private static let attemptMillisecondsMax = 10_000
  private static let waitNanoseconds: UInt64 = 12_000_000_000

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
    let deadline = Clock.bootNanoseconds() + waitNanoseconds
    while transfers.activeCount > 0, Clock.bootNanoseconds() < deadline {
      try transfers.wait(milliseconds: 100) { completion in
        let index = Int(completion.token)
        guard let client = clients[index] else { return }
        let seconds = Int64(Clock.shared.unixNanoseconds() / 1_000_000_000)
        checks[index] = DestinationCheck(
          asked[index].0, asked[index].1,
          client.outcome(of: completion, unixSeconds: seconds), completion)
      }
    }
    return checks.enumerated().map { index, check in
      check ?? DestinationCheck(asked[index].0, asked[index].1, "no answer in 12 s", .timeout)
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
      let configured = destination.timeoutMilliseconds
      client = try Exporter.client(
        destination, signal, version,
        timeoutMilliseconds: configured == 0
          ? attemptMillisecondsMax : min(configured, attemptMillisecondsMax))
    } catch .transport(let error) {
      throw Obstacle(result: "\(error)", fault: Fault(error))
    } catch {
      throw Obstacle(result: "\(error)", fault: .settings)
    }
    do throws(TransferFailure) {
      try client.refresh(now: Clock.bootNanoseconds())
    } catch {
      throw Obstacle(result: error.message, fault: .file)
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
    proxy =
      destination.unixSocket == nil
      ? Transport.Proxy(destination).place(for: destination.url) : nil
    self.result = result
    self.fault = fault
  }

  private init(
    _ signal: Transport.Signal, _ destination: Config.Destination, _ outcome: ExportOutcome,
    _ completion: Completion
  ) {
    switch outcome {
    case .delivered(let rejected, let message):
      let name = "\(destination.protocol.rawValue)"
      let isStrange = completion.response.isStrange && destination.protocol != .grpc
      self.init(
        signal, destination, "takes \(name)" + (message.isEmpty ? "" : " (\(message))"),
        isStrange ? .stranger : rejected > 0 || !message.isEmpty ? .reservations : nil)
    case .retry(_, let failure), .refused(let failure):
      self.init(signal, destination, "\(failure)", nil)
      fault = Fault(
        failure, completion, isSecure: destination.url.lowercased().hasPrefix("https:"),
        isSocket: destination.unixSocket != nil, isThroughProxy: proxy != nil)
    }
  }
}
