// SPDX-License-Identifier: Apache-2.0
// What can go wrong in the client: with the library itself, or with one exchange.

/// The client cannot be set up, or libcurl broke its contract.
package enum TransportError: Error, Equatable {
  /// libcurl cannot be opened; the message names library, package and reason.
  case library(String)
  case outOfMemory
  /// libcurl refused a setting of ours or of the configuration.
  case setting(name: StaticString, reason: String)
  /// A multi-handle call failed.
  case multi(operation: StaticString, reason: String)
  /// A header name or value that would break the request apart.
  case header(name: String)
  case url(String, reason: StaticString)
  /// `Limits.transfers` are under way already.
  case busy

  package static func == (left: TransportError, right: TransportError) -> Bool {
    left.description == right.description
  }
}

extension TransportError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .library(let message): message
    case .outOfMemory: "out of memory in libcurl"
    case .setting(let name, let reason): "libcurl refuses \(name): \(reason)"
    case .multi(let operation, let reason): "libcurl cannot \(operation): \(reason)"
    case .header(let name): "header \(name) has a character that HTTP does not allow"
    case .url(let url, let reason): "endpoint \(url): \(reason)"
    case .busy: "\(Limits.transfers) transfers are under way already"
    }
  }
}

/// Why an exchange ended without a complete response.
package struct TransferFailure: Error, Equatable, Sendable {
  package enum Kind: String, Sendable {
    case resolve, resolveTimeout, connect, connectTimeout, tls, tlsTimeout, timeout, reset
    case `protocol`, tooLarge, body, other
    /// A proxy cannot be resolved, or lets nothing through.
    case proxy

    /// The word for people: when it was over is in libcurl's.
    var word: String {
      switch self {
      case .resolveTimeout: "resolve"
      case .connectTimeout: "connect"
      case .tlsTimeout: "tls"
      default: rawValue
      }
    }
  }
  package let kind: Kind
  /// libcurl's CURLcode.
  package let code: Int32
  /// libcurl's own words.
  package let message: String

  package init(kind: Kind, code: Int32, message: String) {
    self.kind = kind
    self.code = code
    self.message = message
  }
}

/// Every bound of this module, in one place.
package enum Limits {
  /// Exchanges under way at once.
  package static let transfers = 16
  /// Idle connections kept open.
  static let connections = 8
  /// The specification's limit on a response; more is an error that is not retried.
  package static let responseByteCount = 4 << 20
  /// Of a header or trailer value that is kept.
  static let headerByteCount = 8 << 10
  /// Of a message that a server sent and a log line will carry.
  static let messageByteCount = 1024
}
