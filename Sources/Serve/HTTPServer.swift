// SPDX-License-Identifier: Apache-2.0
// GET and HEAD over HTTP/1.1, with or without TLS, on one thread. Handlers run on that thread; the
// server itself belongs to whoever made it.

internal import CApus
internal import Glibc
internal import Platform

/// Where a server's certificate is; both files are read anew when they change.
package struct TLSFiles: Sendable {
  let certificate: String
  let key: String

  package init(certificate: String, key: String) {
    self.certificate = certificate
    self.key = key
  }
}

/// A server that is running; ending its lifetime stops it.
package struct HTTPServer: ~Copyable {
  /// The port that is bound, also when 0 was asked for.
  package let port: UInt16
  private let stopping: StopFlag
  private let wake: Event
  // Joined when the server goes; until then it holds what it works on.
  private let thread: Thread

  package init(
    _ address: ListenAddress, limits: HTTPLimits = HTTPLimits(), tls: TLSFiles? = nil,
    token: BearerToken? = nil, routes: [HTTPRoute]
  ) throws(ServeError) {
    if let message = unsafe capus_httpd_open() { throw .library(unsafe String(cString: message)) }
    let certificate: Certificate? = if let tls { try Certificate(tls) } else { nil }
    let listener = try address.listen()
    let router = Router(routes, token: token)
    let service = try Service(listener.descriptor, limits, certificate, router)
    let stopping = StopFlag()
    do throws(SystemError) {
      let wake = try Event()
      thread = try Thread("http") { service.run(until: stopping, wake) }
      self.wake = wake
    } catch {
      throw .start(errno: error.code)
    }
    self.stopping = stopping
    port = listener.port
  }

  /// Ends the thread, every connection and the listener; the same as letting go of the server.
  package consuming func stop() {}

  deinit {
    stopping.raise()
    wake.raise()
  }
}

/// A certificate and its key, as files that may be replaced.
@safe
final class Certificate {
  fileprivate let raw: OpaquePointer

  init(_ files: TLSFiles) throws(ServeError) {
    var message = [CChar](repeating: 0, count: 512)
    let size = message.count
    guard let raw = unsafe capus_httpd_tls_new(files.certificate, files.key, &message, size) else {
      let bytes = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      throw .certificate(String(decoding: bytes, as: UTF8.self))
    }
    unsafe self.raw = raw
  }

  /// Says what became of files that were replaced.
  func tellNews() {
    var isTaken = false
    guard let news = unsafe capus_httpd_tls_news(raw, &isTaken) else { return }
    if isTaken {
      Log.info(
        "TLS certificate has changed, new connections use it",
        ["file": unsafe String(cString: news)])
    } else {
      Log.warn(
        "new TLS certificate cannot be used, the one before stays",
        ["problem": unsafe String(cString: news)])
    }
  }

  deinit { unsafe capus_httpd_tls_free(raw) }
}

/// What the server's thread works on.
// Sendable: made by the server's owner and handed to the thread, which alone uses it until it ends.
@safe
private final class Service: @unchecked Sendable {
  private let raw: OpaquePointer
  private let certificate: Certificate?
  private let router: Router

  init(
    _ listener: Int32, _ limits: HTTPLimits, _ certificate: Certificate?, _ router: Router
  ) throws(ServeError) {
    self.certificate = certificate
    self.router = router
    // Unretained: `router` lives until `deinit` has ended every connection.
    let context = unsafe Unmanaged.passUnretained(router).toOpaque()
    let bounds = capus_httpd_limits(
      connections: limits.connections, connections_per_address: limits.connectionsPerAddress,
      idle_seconds: limits.idleSeconds, request_seconds: limits.requestSeconds,
      connection_bytes: limits.connectionByteCount)
    guard
      let raw = unsafe capus_httpd_start(listener, bounds, certificate?.raw, answer, context)
    else {
      let code = errno
      _ = close(listener)
      throw .start(errno: code)
    }
    unsafe self.raw = raw
  }

  deinit { unsafe capus_httpd_stop(raw) }

  func run(until stopping: StopFlag, _ wake: Event) {
    while !stopping.isRaised {
      unsafe capus_httpd_run(raw, wake.descriptor)
      certificate?.tellNews()
    }
  }
}

/// Called by libmicrohttpd on the server's thread.
private func answer(
  _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer,
  _ path: UnsafePointer<CChar>, _ method: UnsafePointer<CChar>
) -> Int32 {
  guard let context = unsafe context else { return 0 }
  let router = unsafe Unmanaged<Router>.fromOpaque(context).takeUnretainedValue()
  let address = unsafe capus_httpd_client(connection)
  let reply = unsafe router.reply(
    client: ClientAddress(high: address.high, low: address.low), path: String(cString: path),
    method: String(cString: method),
    header: { name in
      unsafe capus_httpd_header(connection, name).map { unsafe String(cString: $0) }
    })
  // An array's storage stays where it is while somebody holds it unchanged: `body` does, until it
  // is released.
  let body = unsafe Unmanaged.passRetained(reply.body)
  let made = unsafe reply.body.bytes.withUnsafeBytes { bytes in
    unsafe capus_httpd_response_new(bytes.baseAddress, bytes.count, release, body.toOpaque())
  }
  guard let response = unsafe made else {
    unsafe body.release()
    return 0
  }
  for (name, value) in [("Content-Type", reply.contentType)] + reply.headers {
    unsafe capus_httpd_response_header(response, name, value)
  }
  return unsafe capus_httpd_send(connection, UInt32(reply.status), response)
}

private func release(_ body: UnsafeMutableRawPointer?) {
  guard let body = unsafe body else { return }
  unsafe Unmanaged<HTTPBody>.fromOpaque(body).release()
}
