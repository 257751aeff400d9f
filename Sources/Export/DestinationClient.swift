// SPDX-License-Identifier: Apache-2.0
// The client of one signal, from what the configuration says of its destination.

internal import Config
internal import Platform
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
          currentHeaders: renewal(of: destination.headers),
          timeoutMilliseconds: timeoutMilliseconds ?? destination.timeoutMilliseconds, tls: tls,
          isGzipped: destination.compression == .gzip, unixSocket: destination.unixSocket,
          proxy: Transport.Proxy(destination), version: version))
    } catch {
      throw .transport(error)
    }
  }

  /// Reads headers anew whose values are in files, as tokens that are changed by the hour.
  private static func renewal(of headers: [Pair]) -> (() -> [(name: String, value: String)]?)? {
    guard headers.contains(where: { $0.template != nil }) else { return nil }
    return {
      do throws(ValueError) {
        return try currentHeaders(headers)
      } catch {
        Log.warn(
          "cannot read a header, the one before stays", ["problem": error.wrong])
        return nil
      }
    }
  }

  private static func currentHeaders(
    _ headers: [Pair]
  ) throws(ValueError) -> [(name: String, value: String)] {
    var current: [(name: String, value: String)] = []
    for (index, header) in headers.enumerated() {
      let header = try header.currentHeader(number: index + 1, processEnvironment)
      current.append((header.key, header.value))
    }
    return current
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
