// SPDX-License-Identifier: Apache-2.0
// One request and its response on one easy handle, which is reset and used again afterwards.
// Owned by the thread that owns the `Transfers`; libcurl calls back on that thread only.

internal import CApus
internal import CCurl

/// What to send, and where.
package struct Request {
  package let destination: Destination
  let headers: HeaderList
  package let body: any BodySource

  package init(destination: Destination, body: any BodySource) {
    self.destination = destination
    headers = destination.headers
    self.body = body
  }
}

@safe
final class Exchange {
  let easy: OpaquePointer
  private(set) var token: UInt64 = 0
  private var request: Request?
  private var response = Response()
  private var sentByteCount = 0
  private var isTooLarge = false
  private var isHandshakeBegun = false
  private let errorText: UnsafeMutableBufferPointer<CChar>

  init() throws(TransportError) {
    guard let easy = unsafe capus_curl_easy_new() else { throw .outOfMemory }
    unsafe self.easy = easy
    unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    unsafe errorText.initialize(repeating: 0)
  }

  deinit {
    unsafe capus_curl_easy_free(easy)
    unsafe errorText.deallocate()
  }

  /// Makes the handle ready for `request`, as if it were new.
  func prepare(_ request: Request, token: UInt64) throws(TransportError) {
    self.token = token
    self.request = request
    response = Response()
    sentByteCount = 0
    isTooLarge = false
    isHandshakeBegun = false
    unsafe errorText[0] = 0
    request.body.rewind()
    unsafe capus_curl_easy_reset(easy)
    try configure(request)
  }

  /// Ends the exchange: what came back, and the request is let go.
  func finish(code: Int32) -> Completion {
    let ending = unsafe Ending(
      easy, hasBegun: sentByteCount > 0 || response.status > 0, isHandshakeBegun: isHandshakeBegun)
    response.connectionsOpened = ending.connectionsOpened
    response.proxyStatus = ending.proxyStatus
    let destination = request?.destination
    request = nil
    defer { response = Response() }
    guard code != 0, let destination else {
      return Completion(token: token, response: response, failure: nil)
    }
    return Completion(
      token: token, response: response,
      failure: TransferFailure(
        code: code, isTooLarge: isTooLarge, text: text(code), ending: ending,
        destination: destination))
  }

  private func text(_ code: Int32) -> String {
    // The buffer is never given up and libcurl keeps it terminated.
    let detail = unsafe errorText.baseAddress.map { unsafe String(cString: $0) } ?? ""
    // These repeat the proxy's URL, with its password; the environment's too.
    let isSecret = detail.hasPrefix("Unsupported proxy")
    // 7.88 leaves this where a peer has hung up, and nothing else.
    let isBeside = detail.hasPrefix("getpeername() failed")
    return detail.isEmpty || isSecret || isBeside
      ? unsafe String(cString: capus_curl_easy_text(code)) : detail
  }

  private func configure(_ request: Request) throws(TransportError) {
    let destination = request.destination
    // Unretained: the callbacks run only while `Transfers` holds this exchange.
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    try check(
      "callbacks",
      unsafe capus_curl_set_callbacks(
        easy, readBody, seekBody, writeBody, readHeader, context))
    // Only tells how far a handshake came; one that is not told of passes for a connect.
    _ = unsafe capus_curl_set_handshake(easy, beginHandshake, context)
    try check(
      "CURLOPT_ERRORBUFFER",
      unsafe capus_curl_set_pointer(easy, CURLOPT_ERRORBUFFER.rawValue, errorText.baseAddress))
    try check("CURLOPT_HTTPHEADER", unsafe capus_curl_set_headers(easy, request.headers.raw))
    try set("CURLOPT_URL", CURLOPT_URL, destination.url)
    // An endpoint's path is used as it is written.
    try set("CURLOPT_PATH_AS_IS", CURLOPT_PATH_AS_IS, 1)
    // Some answer in gzip unless they are told otherwise. libcurl unpacks it as it comes, so that
    // the limit holds for what comes out.
    if destination.version == .http1 {
      try set("CURLOPT_ACCEPT_ENCODING", CURLOPT_ACCEPT_ENCODING, "gzip")
    }
    try set("CURLOPT_USERAGENT", CURLOPT_USERAGENT, destination.userAgent)
    try set("CURLOPT_PROTOCOLS_STR", CURLOPT_PROTOCOLS_STR, "http,https")
    try set("CURLOPT_UNIX_SOCKET_PATH", CURLOPT_UNIX_SOCKET_PATH, destination.unixSocket)
    try set("CURLOPT_NOSIGNAL", CURLOPT_NOSIGNAL, 1)
    try set("CURLOPT_POST", CURLOPT_POST, 1)
    try set("CURLOPT_TIMEOUT_MS", CURLOPT_TIMEOUT_MS, destination.timeoutMilliseconds)
    try set("CURLOPT_TCP_KEEPALIVE", CURLOPT_TCP_KEEPALIVE, 1)
    // A look-up that hangs is let go, not waited for. Older than 7.87, libcurl does not know it.
    _ = unsafe capus_curl_set_long(easy, CURLOPT_QUICK_EXIT.rawValue, 1)
    // The header of a proxy's answer to CONNECT is not the header of the response.
    try set("CURLOPT_SUPPRESS_CONNECT_HEADERS", CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    try check(
      "CURLOPT_POSTFIELDSIZE_LARGE",
      unsafe capus_curl_set_offset(
        easy, CURLOPT_POSTFIELDSIZE_LARGE.rawValue, Int64(request.body.byteCount)))
    try configureTLS(destination.tls)
    try configureProxy(destination)
    try configureVersion(destination)
  }

  private func configureTLS(_ tls: TLSMaterial) throws(TransportError) {
    try set("CURLOPT_SSLVERSION", CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
    try set("CURLOPT_PROXY_SSLVERSION", CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
    if let authorities = tls.authorities {
      try set("CURLOPT_CAINFO_BLOB", CURLOPT_CAINFO_BLOB, authorities)
      // Else the system's directory of authorities would be trusted besides.
      try set("CURLOPT_CAPATH", CURLOPT_CAPATH, nil)
    }
    if let certificate = tls.certificate, let key = tls.key {
      try set("CURLOPT_SSLCERT_BLOB", CURLOPT_SSLCERT_BLOB, certificate)
      try set("CURLOPT_SSLKEY_BLOB", CURLOPT_SSLKEY_BLOB, key)
    }
  }

  private func configureProxy(_ destination: Destination) throws(TransportError) {
    switch destination.proxy {
    case .environment: break
    case .none: try set("CURLOPT_PROXY", CURLOPT_PROXY, "")
    case .url(let url):
      try set("CURLOPT_PROXY", CURLOPT_PROXY, url)
      // What is asked for by name is not undone by no_proxy.
      try set("CURLOPT_NOPROXY", CURLOPT_NOPROXY, "")
    }
    // Proxies pass HTTP/2 in plain text on only through a tunnel, as gRPC's own clients do.
    if destination.version == .http2 {
      try set("CURLOPT_HTTPPROXYTUNNEL", CURLOPT_HTTPPROXYTUNNEL, 1)
    }
  }

  private func configureVersion(_ destination: Destination) throws(TransportError) {
    let version =
      switch destination.version {
      case .http1: CURL_HTTP_VERSION_1_1
      case .http2 where destination.url.hasPrefix("https:"): CURL_HTTP_VERSION_2TLS
      case .http2: CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
      }
    try set("CURLOPT_HTTP_VERSION", CURLOPT_HTTP_VERSION, version)
    guard destination.version == .http2 else { return }
    guard version == CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE, hasReuseFault else {
      // One connection that carries all streams rather than one per request that starts with it.
      return try set("CURLOPT_PIPEWAIT", CURLOPT_PIPEWAIT, 1)
    }
    try set("CURLOPT_FRESH_CONNECT", CURLOPT_FRESH_CONNECT, 1)
    try set("CURLOPT_FORBID_REUSE", CURLOPT_FORBID_REUSE, 1)
  }

  private func set(
    _ name: StaticString, _ option: CURLoption, _ value: String?
  ) throws(TransportError) {
    try check(name, unsafe capus_curl_set_string(easy, option.rawValue, value))
  }

  private func set(
    _ name: StaticString, _ option: CURLoption, _ value: Int
  ) throws(TransportError) {
    try check(name, unsafe capus_curl_set_long(easy, option.rawValue, value))
  }

  private func set(
    _ name: StaticString, _ option: CURLoption, _ value: [UInt8]
  ) throws(TransportError) {
    try check(name, unsafe capus_curl_set_blob(easy, option.rawValue, value, value.count))
  }

  private func check(_ name: StaticString, _ code: Int32) throws(TransportError) {
    guard code != 0 else { return }
    throw .setting(name: name, reason: unsafe String(cString: capus_curl_easy_text(code)))
  }
}

/// libcurl 7.88, Debian 12's, sets HTTP/2 up again on a kept cleartext connection.
///
/// Every request but the first then fails (16, framing layer) or hangs; mended in 8.0
/// (curl/curl#10643). Such requests get a connection each; over TLS they share one as usual.
let hasReuseFault = unsafe String(cString: capus_curl_version()).hasPrefix("libcurl/7.88.")

// The other side of libcurl's callbacks.
extension Exchange {
  fileprivate func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard let body = request?.body else { return Int(CURL_READFUNC_ABORT) }
    let left = body.byteCount - sentByteCount
    guard left > 0, unsafe !buffer.isEmpty else { return 0 }
    let count = unsafe body.read(into: buffer)
    // A body that ends early would leave the server waiting until the timeout.
    guard count > 0, count <= min(left, buffer.count) else { return Int(CURL_READFUNC_ABORT) }
    sentByteCount += count
    return count
  }

  fileprivate func noteHandshake() { isHandshakeBegun = true }

  fileprivate func seek(to offset: Int64, from origin: Int32) -> Int32 {
    // libcurl only ever goes back to the start (SEEK_SET is 0), to send again.
    guard origin == 0, offset == 0, let body = request?.body else { return CURL_SEEKFUNC_FAIL }
    body.rewind()
    sentByteCount = 0
    return CURL_SEEKFUNC_OK
  }

  fileprivate func accept(body bytes: UnsafeRawBufferPointer) -> Int {
    guard bytes.count <= Limits.responseByteCount - response.body.count else {
      isTooLarge = true
      // Fewer than were offered: libcurl ends the exchange.
      return unsafe bytes.isEmpty ? 1 : 0
    }
    unsafe response.body.append(contentsOf: bytes)
    return bytes.count
  }

  fileprivate func accept(header bytes: UnsafeRawBufferPointer) {
    unsafe response.accept(headerLine: Array(bytes))
  }
}

private func exchange(_ context: UnsafeMutableRawPointer?) -> Exchange? {
  guard let context = unsafe context else { return nil }
  return unsafe Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
}

private func readBody(
  _ bytes: UnsafeMutablePointer<CChar>, _ size: Int, _ count: Int,
  _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let exchange = unsafe exchange(context) else { return Int(CURL_READFUNC_ABORT) }
  return unsafe exchange.read(
    into: UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
}

private func seekBody(
  _ context: UnsafeMutableRawPointer?, _ offset: Int64, _ origin: Int32
) -> Int32 {
  unsafe exchange(context)?.seek(to: offset, from: origin) ?? CURL_SEEKFUNC_FAIL
}

private func beginHandshake(
  _ easy: UnsafeMutableRawPointer?, _ tls: UnsafeMutableRawPointer?,
  _ context: UnsafeMutableRawPointer?
) -> Int32 {
  unsafe exchange(context)?.noteHandshake()
  return 0
}

private func writeBody(
  _ bytes: UnsafeMutablePointer<CChar>, _ size: Int, _ count: Int,
  _ context: UnsafeMutableRawPointer?
) -> Int {
  let offered = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
  return unsafe exchange(context)?.accept(body: offered) ?? 0
}

private func readHeader(
  _ bytes: UnsafeMutablePointer<CChar>, _ size: Int, _ count: Int,
  _ context: UnsafeMutableRawPointer?
) -> Int {
  unsafe exchange(context)?.accept(
    header: UnsafeRawBufferPointer(start: bytes, count: size * count))
  return size * count
}
