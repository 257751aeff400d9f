// SPDX-License-Identifier: Apache-2.0
// Where requests go: all that stays the same from one request to the next, built once.

internal import CApus

package enum HTTPVersion: Sendable {
  case http1
  /// Negotiated over TLS, assumed (prior knowledge) in cleartext.
  case http2
}

/// Who stands between.
package enum Proxy: Equatable, Sendable {
  /// What `http_proxy`, `https_proxy` and `no_proxy` say.
  case environment
  case none
  case url(String)
}

/// The constant part of a request.
///
/// Owned by the thread that owns the `Transfers` it is used on.
package final class Destination {
  let url: String
  let version: HTTPVersion
  let tls: TLSMaterial
  let proxy: Proxy
  let userAgent: String
  let unixSocket: String?
  let timeoutMilliseconds: Int
  let headers: HeaderList

  /// `timeoutMilliseconds` bounds one whole exchange; 0 is no limit.
  package init(
    url: String, headers: [(name: String, value: String)], version: HTTPVersion,
    timeoutMilliseconds: Int, userAgent: String, tls: TLSFiles = TLSFiles(),
    unixSocket: String? = nil, proxy: Proxy = .environment
  ) throws(TransportError) {
    try openLibrary()
    self.url = url
    self.version = version
    self.tls = TLSMaterial(tls)
    self.proxy = proxy
    self.userAgent = userAgent
    self.unixSocket = unixSocket
    self.timeoutMilliseconds = timeoutMilliseconds
    self.headers = try HeaderList(headers)
  }
}

/// An owned curl_slist.
@safe
final class HeaderList {
  private(set) var raw: OpaquePointer?

  init(_ headers: [(name: String, value: String)]) throws(TransportError) {
    for (name, value) in headers {
      guard isToken(name), isFieldValue(value) else { throw .header(name: name) }
      // libcurl takes "Name;" to mean a header without a value, "Name:" to mean none at all.
      try append(value.isEmpty ? "\(name);" : "\(name): \(value)")
    }
    // Waiting for 100 Continue would add a round trip to every large batch.
    try append("Expect:")
  }

  private func append(_ line: String) throws(TransportError) {
    guard let longer = unsafe capus_curl_list_append(raw, line) else { throw .outOfMemory }
    unsafe raw = longer
  }

  deinit {
    unsafe capus_curl_list_free(raw)
  }
}

/// Opens libcurl once per process.
func openLibrary() throws(TransportError) {
  if let message = unsafe capus_curl_open() { throw .library(unsafe String(cString: message)) }
}

private func isToken(_ name: String) -> Bool {
  !name.isEmpty
    && name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
      }
    }
}

/// No control characters: a line end in a value would start another header.
private func isFieldValue(_ value: String) -> Bool {
  value.utf8.allSatisfy { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }
}
