// SPDX-License-Identifier: Apache-2.0
// What a response means for the batch that was sent.

/// What the exporter must do with a batch after one attempt.
package enum ExportOutcome: Equatable, Sendable {
  /// Never sent again. `rejected` records were refused all the same and count as dropped; a
  /// message with none rejected is a warning.
  case delivered(rejected: UInt64, message: String)
  /// May be sent again, no sooner than the server asked.
  case retry(afterNanoseconds: UInt64?, ExportFailure)
  /// Must be dropped and counted.
  case refused(ExportFailure)
}

/// Why a batch was not delivered, for the log and for the reason of a drop.
package struct ExportFailure: Equatable, Sendable {
  package enum Reason: Equatable, Sendable {
    case http(status: Int)
    case grpc(status: Int)
    case transport(TransferFailure.Kind)
  }
  package let reason: Reason
  package let message: String

  package init(reason: Reason, message: String) {
    self.reason = reason
    self.message = message
  }
}

extension ExportFailure: CustomStringConvertible {
  package var description: String {
    let what =
      switch reason {
      case .http(let status): "HTTP \(status)"
      case .grpc(let status): "gRPC \(GRPC.name(ofStatus: status))"
      case .transport(let kind): kind.word
      }
    return message.isEmpty ? what : "\(what): \(message)"
  }
}

extension ExportOutcome {
  /// From an Export…ServiceResponse: field 1 is partial_success {1: rejected, 2: message}.
  ///
  /// The server has accepted the request, so bytes that cannot be read change nothing but the
  /// message.
  static func delivered(response bytes: [UInt8]) -> ExportOutcome {
    var rejected: Int64 = 0
    var message = ""
    var reader = WireReader(bytes)
    while let field = reader.next() {
      guard field.number == 1, let range = field.range else { continue }
      var partial = WireReader(bytes, in: range)
      while let field = partial.next() {
        switch (field.number, field.range) {
        case (1, nil): rejected = Int64(bitPattern: field.value)
        case (2, let range?): message = readableText(bytes[range])
        default: break
        }
      }
      if partial.isMalformed { return .delivered(rejected: 0, message: malformedMessage) }
    }
    if reader.isMalformed { return .delivered(rejected: 0, message: malformedMessage) }
    return .delivered(rejected: UInt64(max(0, rejected)), message: message)
  }

  static var malformedMessage: String { "accepted, with an unreadable response" }
}
