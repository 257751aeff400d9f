// SPDX-License-Identifier: Apache-2.0
// From libcurl's hundred result codes to the few kinds that anyone acts on.

internal import CCurl
internal import Platform

extension TransferFailure {
  init(
    code: Int32, isTooLarge: Bool, text: String, ending: Ending, destination: Destination
  ) {
    let result = CURLcode(rawValue: UInt32(bitPattern: code))
    self.init(
      kind: isTooLarge ? .tooLarge : Self.kind(of: result, text, ending),
      code: code,
      message: isTooLarge
        ? "the response is larger than \(Limits.responseByteCount) bytes"
        : Self.subject(of: result, text, ending, destination))
  }

  /// One HTTP/2 stream was reset, on a connection that lives on.
  var isStreamReset: Bool { UInt32(bitPattern: code) == CURLE_HTTP2_STREAM.rawValue }

  /// A certificate or a key is no PEM, or does not fit the other.
  package var isOfFile: Bool {
    [CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM].contains {
      $0.rawValue == UInt32(bitPattern: code)
    }
  }

  private static func kind(
    of result: CURLcode, _ text: String, _ ending: Ending
  ) -> Kind {
    switch result {
    case CURLE_COULDNT_RESOLVE_HOST: .resolve
    case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY: .proxy
    // A proxy that answers CONNECT with anything but 2xx; libcurl's code for it has changed.
    case _ where ending.proxyStatus >= 300: .proxy
    case CURLE_COULDNT_CONNECT: .connect
    case CURLE_OPERATION_TIMEDOUT: timeout(ending.stage)
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM,
      CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR,
      CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT,
      CURLE_USE_SSL_FAILED:
      .tls
    // From TLS 1.3 on a client is refused only once it believes the handshake to be over.
    case CURLE_SEND_ERROR, CURLE_RECV_ERROR:
      text.contains("SSL routines") || text.contains(" alert ") ? .tls : .reset
    case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE: .reset
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT, CURLE_WEIRD_SERVER_REPLY, CURLE_HTTP2,
      CURLE_HTTP2_STREAM, CURLE_BAD_CONTENT_ENCODING:
      .protocol
    case CURLE_ABORTED_BY_CALLBACK, CURLE_READ_ERROR, CURLE_SEND_FAIL_REWIND: .body
    default: .other
    }
  }

  private static func timeout(_ stage: Ending.Stage) -> Kind {
    switch stage {
    case .resolving: .resolveTimeout
    case .connecting: .connectTimeout
    case .securing: .tlsTimeout
    case .answering: .timeout
    }
  }

  /// libcurl's words, with the file or the socket that they are about, which it leaves out.
  private static func subject(
    of result: CURLcode, _ text: String, _ ending: Ending, _ destination: Destination
  ) -> String {
    let files = destination.tls.files
    switch result {
    case CURLE_COULDNT_CONNECT:
      guard let socket = destination.unixSocket, ending.errno != 0 else { return text }
      return "\(socket): \(errnoText(ending.errno)) (\(errnoName(ending.errno)))"
    case CURLE_SSL_CACERT_BADFILE: return files.authorities.map { "\($0): \(text)" } ?? text
    case CURLE_SSL_CERTPROBLEM:
      guard let certificate = files.certificate, let key = files.key else { return text }
      return "\(certificate) with \(key): \(text)"
    default: return text
    }
  }
}
