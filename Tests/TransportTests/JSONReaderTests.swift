// SPDX-License-Identifier: Apache-2.0
// Answers in JSON: what they say, and that none of them does harm.

import Fuzzing
import Testing

@testable import Transport

@Suite("answers in JSON") struct JSONReaderTests {
  private func outcome(_ text: String) -> ExportOutcome { .delivered(json: Array(text.utf8)) }

  static let answers: [(text: String, rejected: UInt64, message: String)] = [
    ("{}", 0, ""),
    (" { \"partialSuccess\" : { } } ", 0, ""),
    ("{\"partialSuccess\":null}", 0, ""),
    ("{\"partialSuccess\":{\"rejectedLogRecords\":\"5\",\"errorMessage\":\"old\"}}", 5, "old"),
    ("{\"partialSuccess\":{\"rejectedDataPoints\":7}}", 7, ""),
    ("{\"partialSuccess\":{\"rejectedSpans\":\"-3\"}}", 0, ""),
    ("{\"x\":[1,{\"y\":\"}\"},[]],\"partialSuccess\":{\"errorMessage\":\"a\"}}", 0, "a"),
    (
      "{\"partialSuccess\":{\"errorMessage\":\"\\u00e9\\ud83d\\ude00\\n\\\"\\ud800\"}}", 0,
      "é😀 \"\u{FFFD}"
    ),
  ]

  @Test("are read", arguments: answers)
  func read(text: String, rejected: UInt64, message: String) {
    #expect(outcome(text) == .delivered(rejected: rejected, message: message))
  }

  @Test(
    "are delivery even when they are malformed",
    arguments: [
      "", "{", "{\"partialSuccess\":{\"rejectedSpans\":\"5\"}", "{}x", "{\"a\"}", "{\"a\":}", "\"a",
      "{\"a\":\"\\u00g0\"}", "{\"a\":\"\\", "[1 2]", "{\"a\":\"b\u{1}\"}", "{,}",
      String(repeating: "[", count: 100_000),
    ])
  func malformed(text: String) {
    #expect(
      outcome(text) == .delivered(rejected: 0, message: "accepted, with an unreadable response"))
  }

  @Test("any bytes come to an end") func mutated() {
    Fuzzing.run("answers in JSON") { dice in
      for _ in 0..<20_000 {
        var bytes = Array(Self.answers[dice.below(Self.answers.count)].text.utf8)
        for _ in 0...dice.below(4) { bytes[dice.below(bytes.count)] = UInt8(dice.below(256)) }
        guard case .delivered(let rejected, _) = ExportOutcome.delivered(json: bytes) else {
          return #expect(Bool(false))
        }
        #expect(rejected < UInt64(Int64.max))
      }
    }
  }

  @Test("errors have a message") func status() {
    let text = "{\"code\":3,\"message\":\"no\\ttenant\",\"details\":[{\"@type\":\"t\"}]}"
    #expect(StatusDetails(json: Array(text.utf8))?.message == "no tenant")
    #expect(StatusDetails(json: Array("nonsense".utf8))?.message == "")
    #expect(StatusDetails(json: Array("{".utf8)) == nil)
  }

  @Test("a response says by its type how it is read") func byType() {
    var response = Response()
    response.status = 200
    response.body = Array("{\"partialSuccess\":{\"rejectedLogRecords\":\"5\"}}".utf8)
    response.contentType = "application/json; charset=utf-8"
    func outcome() -> ExportOutcome {
      OTLPHTTP.outcome(
        of: Completion(token: 0, response: response, failure: nil), unixSeconds: 0)
    }
    #expect(outcome() == .delivered(rejected: 5, message: ""))
    response.status = 503
    response.retryAfter = "3"
    response.body = Array("{\"message\":\"full\"}".utf8)
    #expect(
      outcome()
        == .retry(
          afterNanoseconds: 3_000_000_000,
          ExportFailure(reason: .http(status: 503), message: "full")))
  }
}
