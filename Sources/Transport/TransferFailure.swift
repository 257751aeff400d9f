// SPDX-License-Identifier: Apache-2.0
// From libcurl's hundred result codes to the few kinds that anyone acts on.

internal import CCurl

extension TransferFailure {
  init(code: Int32, isTooLarge: Bool, text: String) {
    let result = CURLcode(rawValue: UInt32(bitPattern: code))
    self.init(
      kind: isTooLarge ? .tooLarge : Self.kind(of: result), code: code,
      message: isTooLarge ? "the response is larger than \(Limits.responseByteCount) bytes" : text)
  }

  /// One HTTP/2 stream was reset, on a connection that lives on.
  var isStreamReset: Bool { UInt32(bitPattern: code) == CURLE_HTTP2_STREAM.rawValue }

  private static func kind(of result: CURLcode) -> Kind {
    switch result {
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .resolve
    case CURLE_COULDNT_CONNECT: .connect
    case CURLE_OPERATION_TIMEDOUT: .timeout
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM,
      CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR,
      CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT,
      CURLE_USE_SSL_FAILED:
      .tls
    case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE: .reset
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT, CURLE_WEIRD_SERVER_REPLY, CURLE_HTTP2,
      CURLE_HTTP2_STREAM, CURLE_BAD_CONTENT_ENCODING:
      .protocol
    case CURLE_ABORTED_BY_CALLBACK, CURLE_READ_ERROR, CURLE_SEND_FAIL_REWIND: .body
    default: .other
    }
  }
}
