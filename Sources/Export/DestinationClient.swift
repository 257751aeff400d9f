// SPDX-License-Identifier: Apache-2.0
// The client of one signal, from what the configuration says of its destination.

internal import Config
internal import Transport

extension Exporter {
  static func client(
    _ destination: Config.Destination, _ signal: Transport.Signal, _ version: String,
    timeoutMilliseconds: Int? = nil
  ) throws(ExportError) -> OTLPClient {
    let transport: OTLPProtocol =
      switch destination.protocol {
      case .httpProtobuf: .httpProtobuf
      case .httpJSON: .httpJSON
      case .grpc: .grpc
      }
    let tls = TLSFiles(
      authorities: destination.tls.authorities, certificate: destination.tls.certificate,
      key: destination.tls.key)
    do throws(TransportError) {
      return try OTLPClient(
        url: transport == .grpc
          ? try EndpointURL.grpc(destination.url, signal: signal) : destination.url,
        settings: OTLPSettings(
          transport: transport, headers: destination.headers.map { ($0.key, $0.value) },
          timeoutMilliseconds: timeoutMilliseconds ?? destination.timeoutMilliseconds, tls: tls,
          isGzipped: destination.compression == .gzip, unixSocket: destination.unixSocket,
          proxy: Transport.Proxy(destination), version: version))
    } catch {
      throw .transport(error)
    }
  }
}

extension Transport.Proxy {
  init(_ destination: Config.Destination) {
    self =
      switch destination.proxy {
      case nil: .environment
      case .some(.none): .none
      case .url(let url): .url(url)
      }
  }
}
