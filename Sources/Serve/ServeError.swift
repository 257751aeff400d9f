// SPDX-License-Identifier: Apache-2.0
// Why nothing listens.

internal import Glibc

package enum ServeError: Error, Equatable {
  /// Not a numeric address with a port.
  case address(String)
  /// libmicrohttpd cannot be opened; the message names library, package and reason.
  case library(String)
  /// The socket could not be made, bound or listened on.
  case listen(address: String, errno: Int32)
  /// No certificate with its key; the message names the file.
  case certificate(String)
  /// The file of the token cannot be used.
  case token(path: String, reason: String)
  /// The server could not be started on its socket.
  case start(errno: Int32)

  /// The contents of what is configured are at fault, and no state of this machine.
  package var isOfConfiguration: Bool {
    switch self {
    case .certificate, .token, .address: true
    case .library, .listen, .start: false
    }
  }

  package var isInUse: Bool {
    if case .listen(_, EADDRINUSE) = self { true } else { false }
  }
}

extension ServeError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .address(let text):
      "\(text) is no listen address; write ADDR:PORT as in 127.0.0.1:9464 or [::1]:9464"
    case .library(let message): message
    case .listen(let address, EADDRINUSE):
      "\(address) is in use; choose another with --listen ADDR:PORT or stop the process that holds"
        + " it"
    case .listen(let address, let code): "cannot listen on \(address): \(text(code))"
    case .certificate(let message):
      "cannot use http.tls: \(message); write PEM files of a certificate chain and of its key"
    case .token(let path, let reason): "cannot use http.token_file \(path): \(reason)"
    case .start(let code): "cannot start the HTTP server: \(text(code))"
    }
  }
}

private func text(_ code: Int32) -> String {
  // Static text in glibc for every number that the kernel uses; used before threads start.
  guard let words = unsafe strerror(code) else { return "error \(code)" }
  return unsafe String(cString: words)
}
