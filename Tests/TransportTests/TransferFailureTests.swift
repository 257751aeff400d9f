// SPDX-License-Identifier: Apache-2.0
// What a failed exchange is told apart by: how far it came, and what libcurl says.

import CCurl
import Glibc
import Testing

@testable import Transport

@Suite("failed exchanges") struct TransferFailureTests {
  private func failure(
    _ code: CURLcode, _ text: String, url: String = "https://c", tls: TLSFiles = TLSFiles()
  ) throws -> TransferFailure {
    let exchange = try Exchange()
    return TransferFailure(
      code: Int32(code.rawValue), isTooLarge: false, text: text,
      ending: Ending(exchange.easy, hasBegun: true, isHandshakeBegun: false),
      destination: try Destination(
        url: url, headers: [], version: .http1, timeoutMilliseconds: 1, userAgent: "t", tls: tls))
  }

  @Test("an alert that comes after the handshake is one of TLS") func alerts() throws {
    try openLibrary()
    let text =
      "OpenSSL SSL_read: OpenSSL/3.0.19: error:0A00045C:SSL routines::tlsv13 alert certificate "
      + "required, errno 0"
    #expect(try failure(CURLE_RECV_ERROR, text).kind == .tls)
    #expect(try failure(CURLE_SEND_ERROR, "A TLS fatal alert has been received.").kind == .tls)
    let reset = "OpenSSL SSL_read: Connection reset by peer, errno 104"
    #expect(try failure(CURLE_RECV_ERROR, reset).kind == .reset)
  }

  @Test("a failure of a file names it") func files() throws {
    try openLibrary()
    let tls = TLSFiles(authorities: "/ca", certificate: "/cert", key: "/key")
    let authorities = try failure(CURLE_SSL_CACERT_BADFILE, "bad", tls: tls)
    #expect(authorities.message == "/ca: bad" && authorities.isOfFile)
    #expect(try failure(CURLE_SSL_CERTPROBLEM, "bad", tls: tls).message == "/cert with /key: bad")
    #expect(try !failure(CURLE_SSL_CONNECT_ERROR, "bad", tls: tls).isOfFile)
  }

  @Test("a listener that is full, one that knows no TLS and one that is silent are told apart")
  func timeouts() throws {
    let silent = try Listener(backlog: 8)
    let full = try Listener(backlog: 0)
    // One is taken into a queue of none; the kernel drops the SYNs of all others.
    let first = try full.connect()
    defer { close(first) }
    for (listener, scheme, kind) in [
      (silent, "http", TransferFailure.Kind.timeout), (silent, "https", .tlsTimeout),
      (full, "http", .connectTimeout),
    ] {
      let client = try OTLPClient(
        url: "\(scheme)://127.0.0.1:\(listener.port)/",
        settings: settings(.httpProtobuf, timeoutMilliseconds: 300))
      let completion = try Transfers().complete(client.request(body: ArrayBody([])))
      #expect(completion.failure?.kind == kind)
    }
  }

  @Test("a socket that is not there is named") func socket() throws {
    var settings = settings(.httpProtobuf)
    settings.unixSocket = "/no/such.sock"
    let client = try OTLPClient(url: "http://localhost/v1/logs", settings: settings)
    let failure = try Transfers().complete(client.request(body: ArrayBody([]))).failure
    #expect(failure?.kind == .connect)
    #expect(failure?.message == "/no/such.sock: No such file or directory (ENOENT)")
  }

  @Test("a redirection tells where to, without its query") func redirection() {
    var response = Response()
    for line in ["HTTP/1.1 307 Temporary", "Location: https://other/v1/logs?key=secret"] {
      response.accept(headerLine: Array("\(line)\r\n".utf8))
    }
    let completion = Completion(token: 1, response: response, failure: nil)
    #expect(
      OTLPHTTP.outcome(of: completion, unixSeconds: 0)
        == .refused(
          ExportFailure(
            reason: .http(status: 307),
            message: "redirects to https://other/v1/logs, which is not followed")))
  }
}

/// Listens on loopback and never accepts.
private final class Listener {
  let port: UInt16
  private let descriptor: CInt
  private var address = sockaddr_in()

  init(backlog: CInt) throws {
    descriptor = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 && listen(descriptor, backlog) == 0
          && getsockname(descriptor, $0, &size) == 0
      }
    }
    port = UInt16(bigEndian: address.sin_port)
    try #require(isBound)
  }

  func connect() throws -> CInt {
    let client = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    let isConnected = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    try #require(isConnected)
    return client
  }

  deinit { close(descriptor) }
}
