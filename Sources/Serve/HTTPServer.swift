// SPDX-License-Identifier: Apache-2.0
// GET and HEAD over HTTP/1.1 on one thread of libmicrohttpd. Handlers run on that thread; the
// server itself belongs to whoever made it.

internal import CApus
internal import Glibc

/// A request whose header has been read; there is no body.
package struct HTTPRequest: Sendable {
  package let path: String
  package let isHead: Bool
  package let accept: String?
  package let acceptEncoding: String?
}

package struct HTTPResponse: Sendable {
  package var status: Int
  package var contentType: String
  package var body: [UInt8]

  package init(
    status: Int = 200, contentType: String = "text/plain; charset=utf-8", body: [UInt8]
  ) {
    self.status = status
    self.contentType = contentType
    self.body = body
  }

  package init(status: Int = 200, text: String) {
    self.init(status: status, body: Array(text.utf8))
  }
}

/// One path that is served.
///
/// It must not block: every other request waits for it.
package struct HTTPRoute: Sendable {
  let path: String
  let handle: @Sendable (HTTPRequest) -> HTTPResponse

  package init(_ path: String, _ handle: @escaping @Sendable (HTTPRequest) -> HTTPResponse) {
    self.path = path
    self.handle = handle
  }
}

package struct HTTPLimits: Sendable {
  package var connections: UInt32 = 32
  package var connectionsPerAddress: UInt32 = 16
  package var idleSeconds: UInt32 = 10
  /// For the header of a request; a longer one is refused.
  package var connectionByteCount = 16 << 10

  package init() {}
}

/// A server that is running; ending its lifetime stops it.
@safe
package struct HTTPServer: ~Copyable {
  /// The port that is bound, also when 0 was asked for.
  package let port: UInt16
  private let raw: OpaquePointer
  private let router: Router

  package init(
    _ address: ListenAddress, limits: HTTPLimits = HTTPLimits(), routes: [HTTPRoute]
  ) throws(ServeError) {
    if let message = unsafe capus_httpd_open() { throw .library(unsafe String(cString: message)) }
    let listener = try address.listen()
    let router = Router(routes)
    // Unretained: `router` lives until `deinit` has ended the thread.
    let context = unsafe Unmanaged.passUnretained(router).toOpaque()
    let bounds = capus_httpd_limits(
      connections: limits.connections, connections_per_address: limits.connectionsPerAddress,
      idle_seconds: limits.idleSeconds, connection_bytes: limits.connectionByteCount)
    guard
      let raw = unsafe capus_httpd_start(listener.descriptor, bounds, answer, context)
    else {
      let code = errno
      _ = close(listener.descriptor)
      throw .start(errno: code)
    }
    // All at once: a noncopyable value with a deinit is whole or it is not there.
    unsafe self.raw = raw
    self.router = router
    port = listener.port
  }

  /// Ends the thread, every connection and the listener; the same as letting go of the server.
  package consuming func stop() {}

  deinit {
    unsafe capus_httpd_stop(raw)
  }
}

/// Called by libmicrohttpd on its thread.
private func answer(
  _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer,
  _ path: UnsafePointer<CChar>, _ method: UnsafePointer<CChar>
) -> Int32 {
  guard let context = unsafe context else { return 0 }
  let router = unsafe Unmanaged<Router>.fromOpaque(context).takeUnretainedValue()
  let reply = unsafe router.reply(
    path: String(cString: path), method: String(cString: method),
    header: { name in
      unsafe capus_httpd_header(connection, name).map { unsafe String(cString: $0) }
    })
  return unsafe reply.response.body.withUnsafeBytes { body in
    unsafe capus_httpd_reply(
      connection, UInt32(reply.response.status), body.baseAddress, body.count,
      reply.response.contentType, reply.isMethodRefused ? Router.methods : nil)
  }
}
