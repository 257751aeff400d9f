// SPDX-License-Identifier: Apache-2.0
// OTLP over HTTP: the types of bodies, and what a response means.

enum OTLPHTTP {
  static let protobuf = "application/x-protobuf"
  static let json = "application/json"

  static func outcome(of completion: Completion, unixSeconds: Int64) -> ExportOutcome {
    let response = completion.response
    if let failure = completion.failure {
      // A server may answer and close while the body is still on its way: the answer counts.
      guard response.status >= 300, failure.kind != .tooLarge else { return outcome(of: failure) }
      return refusal(response, unixSeconds: unixSeconds)
    }
    guard (200..<300).contains(response.status) else {
      return refusal(response, unixSeconds: unixSeconds)
    }
    if response.body.isEmpty { return .delivered(rejected: 0, message: "") }
    if response.isOf(protobuf) { return .delivered(response: response.body) }
    if response.isOf(json) { return .delivered(json: response.body) }
    // Whatever else a proxy says along with 2xx is no reason to send again.
    return .delivered(
      rejected: 0, message: "accepted, with a response of type \(response.contentType ?? "none")")
  }

  /// No response: the batch may be sent again, unless it would fail in the same way for ever.
  static func outcome(of failure: TransferFailure) -> ExportOutcome {
    let what = ExportFailure(reason: .transport(failure.kind), message: failure.message)
    return switch failure.kind {
    case .tooLarge, .body: .refused(what)
    case .resolve, .resolveTimeout, .connect, .connectTimeout, .tls, .tlsTimeout, .timeout, .reset,
      .protocol, .proxy, .other:
      .retry(afterNanoseconds: nil, what)
    }
  }

  private static func refusal(_ response: Response, unixSeconds: Int64) -> ExportOutcome {
    let failure = ExportFailure(
      reason: .http(status: response.status), message: message(of: response))
    switch response.status {
    case 429, 502, 503, 504:
      let delay = response.retryAfter.flatMap {
        retryDelayNanoseconds(retryAfter: $0, unixSeconds: unixSeconds)
      }
      return .retry(afterNanoseconds: delay, failure)
    default: return .refused(failure)
    }
  }

  /// Errors carry a google.rpc.Status; proxies answer with text, of which the start will do.
  private static func message(of response: Response) -> String {
    if (300..<400).contains(response.status), let location = response.location {
      return "redirects to \(location), which is not followed"
    }
    if response.isOf(protobuf) { return StatusDetails(response.body)?.message ?? "" }
    if response.isOf(json) { return StatusDetails(json: response.body)?.message ?? "" }
    guard response.isOf("text/plain") else { return "" }
    return readableText(trimmed(response.body[...]))
  }
}

extension Response {
  /// Whether there is an answer that no receiver of OTLP/HTTP gives along with 2xx.
  package var isStrange: Bool {
    contentType == nil
      ? !body.isEmpty : !isOf(OTLPHTTP.protobuf) && !isOf(OTLPHTTP.json)
  }

  /// Types are the same in any case.
  fileprivate func isOf(_ type: String) -> Bool {
    contentType?.lowercased().hasPrefix(type) == true
  }
}
