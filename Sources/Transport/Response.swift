// SPDX-License-Identifier: Apache-2.0
// What came back: the status, the few headers that decide anything, and a bounded body.

/// A response, complete or (when the exchange failed) as far as it came.
package struct Response: Sendable {
  /// The HTTP status; 0 before one arrived.
  package internal(set) var status = 0
  package internal(set) var body: [UInt8] = []
  package internal(set) var contentType: String?
  package internal(set) var retryAfter: String?
  /// Where a redirection points to, without a query, which may hold a key.
  package internal(set) var location: String?
  /// Decimal, from the trailers or, in a response without a body, from the header.
  package internal(set) var grpcStatus: String?
  /// Percent-encoded, as it came.
  package internal(set) var grpcMessage: String?
  /// Base64 of a google.rpc.Status.
  package internal(set) var grpcStatusDetails: String?
  /// Connections opened for this exchange; 0 when a kept one was used.
  package internal(set) var connectionsOpened = 0
  /// Of a proxy's answer to CONNECT; 0 when there was none.
  package internal(set) var proxyStatus = 0

  package init() {}

  /// Takes one header or trailer line as libcurl hands it over, with its line end.
  mutating func accept(headerLine line: [UInt8]) {
    if line.starts(with: "HTTP/".utf8) {
      // A new header block (after 100 Continue): what the one before said is void.
      self = Response()
      status = Self.status(ofLine: line)
      return
    }
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return }
    let value = trimmed(line[(colon + 1)...])
    guard value.count <= Limits.headerByteCount else { return }
    let text = String(decoding: value, as: UTF8.self)
    switch String(decoding: line[..<colon].map(lowercased), as: UTF8.self) {
    case "content-type": contentType = text
    case "retry-after": retryAfter = text
    case "location": location = readableText(value.prefix { $0 != UInt8(ascii: "?") })
    case "grpc-status": grpcStatus = text
    case "grpc-message": grpcMessage = text
    case "grpc-status-details-bin": grpcStatusDetails = text
    default: break
    }
  }

  /// The three digits after the first space of `HTTP/1.1 200 OK`.
  private static func status(ofLine line: [UInt8]) -> Int {
    guard let space = line.firstIndex(of: UInt8(ascii: " ")) else { return 0 }
    let digits = line[(space + 1)...].prefix(3)
    return Int(String(decoding: digits, as: UTF8.self)) ?? 0
  }
}

/// One exchange that has ended.
package struct Completion: Sendable {
  package let token: UInt64
  package let response: Response
  /// Nil when the response is complete, whatever its status.
  package let failure: TransferFailure?

  package init(token: UInt64, response: Response, failure: TransferFailure?) {
    self.token = token
    self.response = response
    self.failure = failure
  }
}

func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
  let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A }
  guard let first = bytes.firstIndex(where: { !isSpace($0) }),
    let last = bytes.lastIndex(where: { !isSpace($0) })
  else { return [] }
  return bytes[first...last]
}

private func lowercased(_ byte: UInt8) -> UInt8 {
  UInt8(ascii: "A") <= byte && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
}
