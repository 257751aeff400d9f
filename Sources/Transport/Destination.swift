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
  /// A request keeps those that it began with.
  private(set) var headers: HeaderList

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

  /// Later requests have these in place of the former.
  func replace(headers: [(name: String, value: String)]) throws(TransportError) {
    self.headers = try HeaderList(headers)
  }
}

/// Opens libcurl once per process.
func openLibrary() throws(TransportError) {
  if let message = unsafe capus_curl_open() { throw .library(unsafe String(cString: message)) }
}
