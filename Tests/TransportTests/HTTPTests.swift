// SPDX-License-Identifier: Apache-2.0
// OTLP/HTTP against a server that misbehaves on request.

import Glibc
import Testing

@testable import Transport

@Suite("OTLP over HTTP") struct HTTPTests {
  private func outcome(
    _ path: String, body: [UInt8] = logsRequest(23), timeoutMilliseconds: Int = 5_000
  ) throws -> ExportOutcome {
    let server = try PythonServer("http_faults.py")
    let client = try OTLPClient(
      url: "http://127.0.0.1:\(server.port)/\(path)",
      settings: settings(.httpProtobuf, timeoutMilliseconds: timeoutMilliseconds))
    return try Transfers().send(body, with: client)
  }

  @Test("an empty 200 is success") func success() throws {
    #expect(try outcome("v1/logs") == .delivered(rejected: 0, message: ""))
  }

  @Test("partial success is delivery with rejected records") func partial() throws {
    #expect(try outcome("partial") == .delivered(rejected: 5, message: "too old"))
  }

  @Test("2xx with a foreign body is delivery with a warning") func foreign() throws {
    let expected = "accepted, with a response of type text/html"
    #expect(try outcome("html") == .delivered(rejected: 0, message: expected))
  }

  @Test("an answer in gzip is read, and one that is too large when unpacked refused")
  func zipped() throws {
    #expect(try outcome("zipped") == .delivered(rejected: 5, message: "too old"))
    let result = try outcome("bomb/\(Limits.responseByteCount + 1)")
    guard case .refused(let failure) = result else { return #expect(Bool(false), "\(result)") }
    #expect(failure.reason == .transport(.tooLarge))
  }

  @Test("what a server repeats of our headers is hidden") func repeated() throws {
    let server = try PythonServer("http_faults.py")
    let headers = [
      ("Authorization", "Bearer hunter2-token"), ("X-Key", "key=abcdef"), ("X", "bad"),
    ]
    let client = try OTLPClient(
      url: "http://127.0.0.1:\(server.port)/repeat",
      settings: settings(.httpProtobuf, headers: headers))
    // What is as short as a word is none.
    let failure = ExportFailure(reason: .http(status: 400), message: "bad: *** ***")
    #expect(try Transfers().send(logsRequest(1), with: client) == .refused(failure))
  }

  @Test("a path is sent as it is written") func path() throws {
    let server = try PythonServer("http_faults.py")
    let plain = try OTLPClient(
      url: "http://127.0.0.1:\(server.port)/inspect/a/../b", settings: settings(.httpJSON))
    let text = try Transfers().complete(plain.request(body: ArrayBody([]))).response.body
    #expect(String(decoding: text, as: UTF8.self).contains("path: /inspect/a/../b\n"))
  }

  @Test("headers are used as they are by then, and those before where that cannot be told")
  func renewed() throws {
    let server = try PythonServer("http_faults.py")
    var current: [(name: String, value: String)]? = [("X-Token", "one")]
    var settings = settings(.httpProtobuf, headers: [("X-Token", "none")])
    settings.currentHeaders = { current }
    let client = try OTLPClient(
      url: "http://127.0.0.1:\(server.port)/inspect", settings: settings)
    let transfers = try Transfers()
    func token(at seconds: UInt64) throws -> String {
      try client.refresh(now: seconds * 1_000_000_000)
      let completion = try transfers.complete(client.request(body: ArrayBody([])))
      let lines = String(decoding: completion.response.body, as: UTF8.self).split(separator: "\n")
      // OTLP's own stay.
      #expect(lines.contains("content-type: application/x-protobuf"))
      return lines.filter { $0.hasPrefix("x-token") }.joined(separator: ",")
    }
    #expect(try token(at: 5) == "x-token: one")
    current = [("X-Token", "two")]
    #expect(try token(at: 5) == "x-token: one")
    #expect(try token(at: 6) == "x-token: two")
    current = nil
    #expect(try token(at: 7) == "x-token: two")
  }

  @Test("429, 502, 503 and 504 are retried", arguments: [429, 502, 503, 504])
  func retried(status: Int) throws {
    let failure = ExportFailure(reason: .http(status: status), message: "full")
    #expect(try outcome("status/\(status)") == .retry(afterNanoseconds: nil, failure))
  }

  @Test("every other error is refused", arguments: [301, 400, 401, 404, 408, 413, 500, 501])
  func refused(status: Int) throws {
    let failure = ExportFailure(reason: .http(status: status), message: "full")
    #expect(try outcome("status/\(status)") == .refused(failure))
  }

  @Test("Retry-After counts in seconds and as a date, in each form of one")
  func retryAfter() throws {
    let failure = ExportFailure(reason: .http(status: 503), message: "full")
    #expect(try outcome("status/503/7") == .retry(afterNanoseconds: 7_000_000_000, failure))
    for date in ["Sun,_06_Nov_1994", "Sunday,_06-Nov-94"] {
      #expect(
        try outcome("status/503/\(date)_08:50:00_GMT")
          == .retry(afterNanoseconds: 23_000_000_000, failure))
    }
    #expect(try outcome("status/503/soon") == .retry(afterNanoseconds: nil, failure))
  }

  @Test("the text of an error is one bounded line") func errorText() throws {
    for count in [1, 1006, 1007, 100_000] {
      let line = "line one line two " + String(repeating: "x", count: min(count, 1006))
      let failure = ExportFailure(reason: .http(status: 400), message: line)
      #expect(try outcome("text/\(count)") == .refused(failure), "\(count)")
    }
  }

  @Test("a slow server is a timeout, on time") func timeout() throws {
    let began = milliseconds()
    let result = try outcome("slow/3", timeoutMilliseconds: 300)
    guard case .retry(nil, let failure) = result else { return #expect(Bool(false), "\(result)") }
    #expect(failure.reason == .transport(.timeout))
    #expect(milliseconds() - began < 2_500)
  }

  @Test("a reset connection is retried") func reset() throws {
    let result = try outcome("reset")
    guard case .retry(nil, let failure) = result else { return #expect(Bool(false), "\(result)") }
    #expect(failure.reason == .transport(.reset))
  }

  @Test("an answer that is no HTTP is a protocol failure") func garbage() throws {
    let result = try outcome("garbage")
    guard case .retry(nil, let failure) = result else { return #expect(Bool(false), "\(result)") }
    #expect(failure.reason == .transport(.protocol))
  }

  @Test("a response over the limit is refused") func huge() throws {
    let result = try outcome("huge/\(Limits.responseByteCount + 1)")
    guard case .refused(let failure) = result else { return #expect(Bool(false), "\(result)") }
    #expect(failure.reason == .transport(.tooLarge))
  }

  @Test("a response of exactly the limit is read") func limit() throws {
    let server = try PythonServer("http_faults.py")
    let client = try OTLPClient(
      url: "http://127.0.0.1:\(server.port)/huge/\(Limits.responseByteCount)",
      settings: settings(.httpProtobuf))
    let completion = try Transfers().complete(client.request(body: ArrayBody([])))
    #expect(completion.failure == nil)
    #expect(completion.response.body.count == Limits.responseByteCount)
  }

  @Test("an answer before the end of the body counts") func early() throws {
    let failure = ExportFailure(reason: .http(status: 413), message: "too large for me")
    #expect(try outcome("early", body: [UInt8](repeating: 0, count: 8 << 20)) == .refused(failure))
  }

  @Test("without an answer all is sent again but what would fail in the same way for ever")
  func failures() {
    let kinds: [(TransferFailure.Kind, Bool)] = [
      (.resolve, true), (.connect, true), (.tls, true), (.timeout, true), (.reset, true),
      (.protocol, true), (.proxy, true), (.other, true), (.tooLarge, false), (.body, false),
    ]
    for (kind, isRetried) in kinds {
      let outcome = OTLPHTTP.outcome(of: TransferFailure(kind: kind, code: 1, message: "m"))
      let failure = ExportFailure(reason: .transport(kind), message: "m")
      #expect(outcome == (isRetried ? .retry(afterNanoseconds: nil, failure) : .refused(failure)))
    }
  }

  @Test("a 2xx that breaks off is no delivery, and sent again") func brokenOff() {
    var response = Response()
    response.status = 200
    let failure = TransferFailure(kind: .reset, code: 18, message: "partial")
    let completion = Completion(token: 0, response: response, failure: failure)
    #expect(
      OTLPHTTP.outcome(of: completion, unixSeconds: 0)
        == .retry(
          afterNanoseconds: nil,
          ExportFailure(reason: .transport(.reset), message: "partial")))
  }

  @Test("nobody listening is a connect failure") func nobody() throws {
    let client = try OTLPClient(url: "http://127.0.0.1:1/", settings: settings(.httpProtobuf))
    let result = try Transfers().send([], with: client)
    guard case .retry(nil, let failure) = result else { return #expect(Bool(false), "\(result)") }
    #expect(failure.reason == .transport(.connect))
  }

  @Test("a name that does not exist is a resolve failure") func resolve() throws {
    let client = try OTLPClient(
      url: "http://no-such-host.invalid:4318/", settings: settings(.httpProtobuf))
    let result = try Transfers().send([], with: client)
    guard case .retry(nil, let failure) = result else { return #expect(Bool(false), "\(result)") }
    #expect(failure.reason == .transport(.resolve))
  }

  @Test("plain HTTP behind an https URL is a TLS failure") func tls() throws {
    let server = try PythonServer("http_faults.py")
    let client = try OTLPClient(
      url: "https://127.0.0.1:\(server.port)/v1/logs", settings: settings(.httpProtobuf))
    let result = try Transfers().send([], with: client)
    guard case .retry(nil, let failure) = result else { return #expect(Bool(false), "\(result)") }
    #expect(failure.reason == .transport(.tls))
  }
}
