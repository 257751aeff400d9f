// SPDX-License-Identifier: Apache-2.0
// What servers say, true and false: bytes, dates, base64, URLs.

import Fuzzing
import Testing

@testable import Transport

@Suite("responses") struct ParsingTests {
  @Test("random bytes never crash a reader") func fuzz() {
    Fuzzing.run("readers of answers") { dice in
      for _ in 0..<50_000 {
        let count = Int.random(in: 0...40, using: &dice)
        var bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &dice) }
        // Half of them start as the messages that are read do, to get further in.
        if count > 2, Bool.random(using: &dice) {
          bytes[0] = [0x0A, 0x12, 0x1A].randomElement(using: &dice) ?? 0
          bytes[1] = UInt8(count - 2)
        }
        _ = ExportOutcome.delivered(response: bytes)
        _ = StatusDetails(bytes)
        let text = String(decoding: bytes, as: UTF8.self)
        _ = base64Decoded(text)
        _ = GRPC.percentDecoded(text)
        _ = retryDelayNanoseconds(retryAfter: text, unixSeconds: 0)
        var response = Response()
        response.accept(headerLine: bytes)
      }
    }
  }

  @Test("every truncation of a RetryInfo is read without it or refused") func truncated() {
    let duration = field(1, [0x08, 0x07, 0x10, 0x05])
    let any = field(1, Array("type.googleapis.com/google.rpc.RetryInfo".utf8)) + field(2, duration)
    let status = [0x08, 0x08] + field(2, Array("full".utf8)) + field(3, any)
    #expect(StatusDetails(status)?.retryDelayNanoseconds == 7_000_000_005)
    #expect(StatusDetails(status)?.message == "full")
    for count in 0..<status.count {
      #expect(StatusDetails(Array(status[..<count]))?.retryDelayNanoseconds == nil)
    }
  }

  @Test("what a block of headers said is void once another begins, and long values are left out")
  func headerBlocks() {
    var response = Response()
    let long = String(repeating: "x", count: Limits.headerByteCount)
    for line in [
      "HTTP/1.1 103 Early Hints", "Retry-After: 7", "grpc-status: 14", "HTTP/1.1 200 OK",
      "Content-Type: \(long)", "grpc-message: \(long)x",
    ] {
      response.accept(headerLine: Array("\(line)\r\n".utf8))
    }
    #expect(response.status == 200 && response.retryAfter == nil && response.grpcStatus == nil)
    #expect(response.contentType == long && response.grpcMessage == nil)
  }

  @Test("a partial success that makes no sense rejects nothing") func senselessPartial() {
    // Minus five records.
    let negative = field(1, [0x08, 0xFB] + [UInt8](repeating: 0xFF, count: 8) + [0x01])
    #expect(
      ExportOutcome.delivered(response: negative) == .delivered(rejected: 0, message: ""))
    // Five records, and then a text that is longer than what is left.
    let torn = field(1, [0x08, 0x05, 0x12, 0x09, 0x61])
    #expect(
      ExportOutcome.delivered(response: torn + field(2, [UInt8](repeating: 0x61, count: 20)))
        == .delivered(rejected: 0, message: ExportOutcome.malformedMessage))
  }

  @Test("a delay beyond all bounds is the largest there is") func hugeDelay() {
    let seconds: [UInt8] = [0x08] + [UInt8](repeating: 0xFF, count: 8) + [0x7F]
    let any =
      field(1, Array("type.googleapis.com/google.rpc.RetryInfo".utf8))
      + field(2, field(1, seconds))
    #expect(StatusDetails(field(3, any))?.retryDelayNanoseconds == .max)
    #expect(
      retryDelayNanoseconds(retryAfter: "99999999999999999999", unixSeconds: 0) == .max)
    #expect(retryDelayNanoseconds(retryAfter: "18446744073709551615", unixSeconds: 0) == .max)
    let last = "Fri, 31 Dec 9999 23:59:59 GMT"
    #expect(retryDelayNanoseconds(retryAfter: last, unixSeconds: 0) == .max)
  }

  @Test("a delay of less than nothing is none") func negativeDelay() {
    // Minus one second, and minus one nanosecond.
    let minusOne = [UInt8](repeating: 0xFF, count: 9) + [0x01]
    for tag in [0x08, 0x10] as [UInt8] {
      let any =
        field(1, Array("type.googleapis.com/google.rpc.RetryInfo".utf8))
        + field(2, field(1, [tag] + minusOne))
      #expect(StatusDetails(field(3, any))?.retryDelayNanoseconds == 0)
    }
  }

  @Test("base64 with and without padding", arguments: ["Zm9vYg==", "Zm9vYg", "Zm9vYg="])
  func base64(text: String) {
    #expect(base64Decoded(text) == Array("foob".utf8))
  }

  @Test("no base64", arguments: ["Z", "Zm9vY", "Zm=9", "Zm9 vYg", "====", "Zm9v-g"])
  func notBase64(text: String) {
    #expect(base64Decoded(text) == nil)
  }

  @Test(
    "HTTP dates",
    arguments: [
      ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
      ("Thu, 29 Feb 2024 23:59:60 GMT", 1_709_251_200),
      ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
      ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
      ("Thursday, 29-Feb-24 23:59:60 GMT", 1_709_251_200),
      ("Sun Nov  6 08:49:37 1994", 784_111_777), ("Wed Nov 16 08:49:37 1994", 784_975_777),
    ] as [(String, Int64)])
  func dates(text: String, seconds: Int64) {
    #expect(unixSeconds(httpDate: text, now: 784_111_777) == seconds)
  }

  @Test(
    "a year of two digits is the last that is not more than fifty years ahead",
    arguments: [
      // Now is 2026-11-26 00:00:00.
      ("94", 784_111_777), ("26", 1_793_954_977), ("76", 3_371_878_177),
      ("77", 247_654_177), ("00", 973_500_577),
    ] as [(String, Int64)])
  func shortYears(year: String, seconds: Int64) {
    let text = "Sunday, 06-Nov-\(year) 08:49:37 GMT"
    #expect(unixSeconds(httpDate: text, now: 1_795_651_200) == seconds)
  }

  @Test(
    "no HTTP dates",
    arguments: [
      "", "soon", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 6 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 24:00:00 GMT", "-5", "1.5", "Sunday, 06-Nov-1994 08:49:37 GMT",
      "Sunday, 06-Nov-94 08:49:37", "Sunday, 6-Nov-94 08:49:37 GMT",
      "Sunday, 06-Nov-94-1 08:49:37 GMT", "Sun Nov 6 08:49:37 1994", "Sun Nov  16 08:49:37 1994",
      "Sun Nov  6 08:49:37 94", "Sunday Nov  6 08:49:37 1994", "Sun Nov  0 08:49:37 1994",
    ])
  func notDates(text: String) {
    #expect(retryDelayNanoseconds(retryAfter: text, unixSeconds: 0) == nil)
  }

  @Test("a date in the past is no wait") func past() {
    #expect(
      retryDelayNanoseconds(retryAfter: "Sun, 06 Nov 1994 08:49:37 GMT", unixSeconds: 784_111_778)
        == 0)
  }

  @Test("percent-encoding, and percent signs that are none")
  func percent() {
    #expect(GRPC.percentDecoded("a%20b%C3%BC") == "a bü")
    #expect(GRPC.percentDecoded("100% of %zz %4") == "100% of %zz %4")
    #expect(GRPC.percentDecoded("a%0Ab%00") == "a b ")
  }

  @Test("deadlines have at most eight digits") func deadlines() {
    #expect(GRPC.timeoutValue(milliseconds: 10_000) == "10000m")
    #expect(GRPC.timeoutValue(milliseconds: 100_000_000) == "100000S")
    #expect(GRPC.timeoutValue(milliseconds: .max) == "99999999S")
  }
}

@Suite("endpoint URLs") struct EndpointTests {
  @Test("gRPC has paths of its own") func grpc() throws {
    let path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
    for (url, expected) in [
      ("http://c:4317", "http://c:4317"), ("https://c:4317/", "https://c:4317"),
      ("http://[::1]:4317/my", "http://[::1]:4317"),
    ] {
      #expect(try EndpointURL.grpc(url, signal: .logs) == expected + path)
    }
  }

  @Test("what cannot be a URL is refused", arguments: ["", "c", "ftp://c", "http://", "http:///x"])
  func refused(text: String) {
    #expect(throws: TransportError.self) { try EndpointURL.grpc(text, signal: .logs) }
  }
}
