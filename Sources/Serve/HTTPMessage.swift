// SPDX-License-Identifier: Apache-2.0
// What is asked and what is answered.

/// Whose requests belong together: those of one address, without its port.
package struct ClientAddress: Hashable, Sendable {
  private let high: UInt64
  private let low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
}

/// A request whose header has been read; there is no body.
package struct HTTPRequest: Sendable {
  package let client: ClientAddress
  package let path: String
  package let isHead: Bool
  package let accept: String?
  package let acceptEncoding: String?
}

/// Bytes that are sent without a copy; when that is done, they are given back.
package final class HTTPBody: Sendable {
  let bytes: [UInt8]
  private let whenSent: (@Sendable ([UInt8]) -> Void)?

  package init(_ bytes: [UInt8], whenSent: (@Sendable ([UInt8]) -> Void)? = nil) {
    self.bytes = bytes
    self.whenSent = whenSent
  }

  deinit { whenSent?(bytes) }
}

package struct HTTPResponse: Sendable {
  package var status: Int
  package var contentType: String
  package var body: HTTPBody
  /// Besides the type and what the server itself adds.
  package var headers: [(name: String, value: String)] = []

  package init(
    status: Int = 200, contentType: String = "text/plain; charset=utf-8", body: HTTPBody
  ) {
    self.status = status
    self.contentType = contentType
    self.body = body
  }

  package init(status: Int = 200, text: String) {
    self.init(status: status, body: HTTPBody(Array(text.utf8)))
  }

  package init(status: Int = 200, json: String) {
    self.init(
      status: status, contentType: "application/json", body: HTTPBody(Array(json.utf8)))
  }
}

/// One path that is served.
///
/// It must not block: every other request waits for it.
package struct HTTPRoute: Sendable {
  let path: String
  /// Also without the token.
  let isOpen: Bool
  let handle: @Sendable (HTTPRequest) -> HTTPResponse

  package init(
    _ path: String, isOpen: Bool = false,
    _ handle: @escaping @Sendable (HTTPRequest) -> HTTPResponse
  ) {
    self.path = path
    self.isOpen = isOpen
    self.handle = handle
  }
}

package struct HTTPLimits: Sendable {
  package var connections: UInt32 = 32
  package var connectionsPerAddress: UInt32 = 16
  /// Without a byte in either direction.
  package var idleSeconds: UInt32 = 10
  /// For one request and its answer, from the connection's start or the answer before.
  package var requestSeconds: UInt32 = 30
  /// For the header of a request; a longer one is refused.
  package var connectionByteCount = 16 << 10
  /// What GnuTLS keeps besides, where there is TLS.
  package static let connectionByteCountTLS = 64 << 10

  package init() {}
}
