// SPDX-License-Identifier: Apache-2.0
// OTLP over gRPC: one unary call per batch, and what its status means.

enum GRPC {
  static let contentType = "application/grpc"

  static func outcome(of completion: Completion) -> ExportOutcome {
    let response = completion.response
    // A status that arrived counts even if the stream was reset after it, as servers do that
    // answer before the whole request has come.
    if let text = response.grpcStatus {
      let isDecimal = !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) }
      let status = isDecimal ? Int(text) ?? 2 : 2
      return status == 0 ? success(response, completion.failure) : failed(status, response)
    }
    if let failure = completion.failure { return outcome(of: failure) }
    return synthesised(response)
  }

  private static func success(
    _ response: Response, _ failure: TransferFailure?
  ) -> ExportOutcome {
    if let failure, failure.kind == .tooLarge { return OTLPHTTP.outcome(of: failure) }
    guard let message = singleMessage(response.body) else {
      return .delivered(rejected: 0, message: "accepted, with an unreadable response")
    }
    return .delivered(response: message)
  }

  /// The one uncompressed message of a unary response; an empty body stands for an empty one.
  private static func singleMessage(_ body: [UInt8]) -> [UInt8]? {
    guard !body.isEmpty else { return [] }
    guard body.count >= 5, body[0] == 0 else { return nil }
    let length = body[1..<5].reduce(0) { $0 << 8 | Int($1) }
    return length == body.count - 5 ? Array(body[5...]) : nil
  }

  private static func failed(_ status: Int, _ response: Response) -> ExportOutcome {
    let details = response.grpcStatusDetails.flatMap { StatusDetails(base64: $0) }
    let failure = ExportFailure(
      reason: .grpc(status: status),
      message: response.grpcMessage.map(percentDecoded) ?? details?.message ?? "")
    let delay = details?.retryDelayNanoseconds
    return switch status {
    case 1, 4, 10, 11, 14, 15: .retry(afterNanoseconds: delay, failure)
    // A server that is out of resources must say when it has them again.
    case 8 where delay != nil: .retry(afterNanoseconds: delay, failure)
    default: .refused(failure)
    }
  }

  /// gRPC's own table for responses in which no gRPC server had a hand.
  private static func synthesised(_ response: Response) -> ExportOutcome {
    if response.status == 200, response.contentType?.hasPrefix(contentType) == true {
      return withoutTrailers(response)
    }
    let status =
      switch response.status {
      case 400: 13
      case 401: 16
      case 403: 7
      case 404: 12
      case 429, 502, 503, 504: 14
      default: 2
      }
    let failure = ExportFailure(
      reason: .grpc(status: status), message: "no gRPC status; HTTP \(response.status)")
    return status == 14 ? .retry(afterNanoseconds: nil, failure) : .refused(failure)
  }

  /// A gRPC server's response whose status did not come through.
  ///
  /// libcurl 7.88 gives trailers up once the server has said that it will close the connection
  /// (GOAWAY), as every server does at its end and many do now and then, and takes the response for
  /// complete. Only a call that succeeded has a message; any other may be made again.
  private static func withoutTrailers(_ response: Response) -> ExportOutcome {
    if !response.body.isEmpty, let message = singleMessage(response.body) {
      return .delivered(response: message)
    }
    let failure = ExportFailure(
      reason: .grpc(status: 14), message: "the connection ended before the status came")
    return .retry(afterNanoseconds: nil, failure)
  }

  private static func outcome(of failure: TransferFailure) -> ExportOutcome {
    guard let status = status(ofReset: failure) else { return OTLPHTTP.outcome(of: failure) }
    let what = ExportFailure(reason: .grpc(status: status), message: failure.message)
    return switch status {
    case 1, 14: .retry(afterNanoseconds: nil, what)
    default: .refused(what)
    }
  }

  /// The status that gRPC assigns to an HTTP/2 error code, which libcurl only has in its text:
  /// `HTTP/2 stream 1 was not closed cleanly: REFUSED_STREAM (err 7)`.
  private static func status(ofReset failure: TransferFailure) -> Int? {
    guard failure.isStreamReset else { return nil }
    let codes: [(String, Int)] = [
      ("REFUSED_STREAM", 14), ("CANCEL", 1), ("ENHANCE_YOUR_CALM", 8),
    ]
    let words = failure.message.split(separator: " ")
    return codes.first { words.contains(Substring($0.0)) }?.1 ?? 13
  }

  /// `grpc-timeout` allows eight digits; milliseconds then reach past a day.
  static func timeoutValue(milliseconds: Int) -> String {
    milliseconds < 100_000_000 ? "\(milliseconds)m" : "\(min(milliseconds / 1000, 99_999_999))S"
  }

  static func name(ofStatus status: Int) -> String {
    let names = [
      "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
      "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
      "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ]
    return names.indices.contains(status) ? names[status] : "status \(status)"
  }

  /// `%41` is `A`; a percent sign without two hexadecimal digits stands for itself.
  static func percentDecoded(_ text: String) -> String {
    let bytes = Array(text.utf8)
    var decoded: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
        let high = hexDigit(bytes[index + 1]), let low = hexDigit(bytes[index + 2])
      {
        decoded.append(high << 4 | low)
        index += 3
      } else {
        decoded.append(bytes[index])
        index += 1
      }
    }
    return readableText(decoded[...])
  }

  private static func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
