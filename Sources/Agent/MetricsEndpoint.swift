// SPDX-License-Identifier: Apache-2.0
// The HTTP endpoint of the agent, when one is configured.

internal import Config
internal import Identity
internal import Metrics
internal import Serve

struct MetricsEndpoint: ~Copyable {
  let port: UInt16?
  /// "127.0.0.1:9464", with the port that is bound.
  let address: String?
  /// What a request needs.
  let demands: [String]
  private let server: HTTPServer?

  init(
    _ settings: Settings, _ shared: SharedParts, _ health: Health, _ version: String
  ) throws(AgentError) {
    let tls = MetricsEndpoint.tls(settings.http)
    let hasToken = (settings.http.token ?? settings.http.tokenFile) != nil
    demands = (tls == nil ? [] : ["TLS"]) + (hasToken ? ["a token"] : [])
    guard let listen = settings.listen else {
      port = nil
      address = nil
      server = nil
      return
    }
    let attributes = shared.resources.agent(version: version, serviceName: settings.serviceName)
    let page = MetricsPage(
      shared, agentLabels: LabelText.render(attributes.map(\.0), attributes.map(\.1)),
      version: version, settings)
    do throws(ServeError) {
      let server = try HTTPServer(
        try ListenAddress("\(listen)"), tls: tls,
        token: try MetricsEndpoint.token(settings.http), routes: makePages(page, health))
      port = server.port
      let host = listen.address.contains(":") ? "[\(listen.address)]" : listen.address
      address = "\(host):\(server.port)"
      self.server = consume server
    } catch {
      throw .serve(error)
    }
  }

  private static func tls(_ http: Settings.HTTP) -> TLSFiles? {
    guard let certificate = http.certificate, let key = http.key else { return nil }
    return TLSFiles(certificate: certificate, key: key)
  }

  private static func token(_ http: Settings.HTTP) throws(ServeError) -> BearerToken? {
    if let path = http.tokenFile { return try BearerToken(file: path) }
    return http.token.map { BearerToken($0) }
  }
}
