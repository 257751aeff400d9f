// SPDX-License-Identifier: Apache-2.0
// What of our own requests a message must not show, whatever the other side repeats of them.

import Testing

@testable import Transport

@Suite("secrets in messages") struct SecretsTests {
  private func hidden(
    _ text: String, headers: [(name: String, value: String)] = [], proxy: Proxy = .none
  ) -> String {
    Secrets(headers: headers, proxy: proxy).hidden(in: text)
  }

  @Test("a proxy's password is hidden as it is written, as it is meant, and as it is sent")
  func proxyPassword() {
    let proxy = Proxy.url("http://me:p%40ss-word@10.0.0.1:3128/")
    // "me:p@ss-word" in the scheme Basic.
    #expect(
      hidden("p%40ss-word, p@ss-word or Basic bWU6cEBzcy13b3Jk at 10.0.0.1:3128", proxy: proxy)
        == "***, *** or Basic *** at 10.0.0.1:3128")
    #expect(hidden("10.0.0.1:3128", proxy: .url("http://10.0.0.1:3128")) == "10.0.0.1:3128")
  }

  @Test("of two secrets the longer one is hidden whole, though the other is a part of it")
  func longest() {
    for headers in [
      [("A", "abcdef"), ("B", "abcdef-123")], [("B", "abcdef-123"), ("A", "abcdef")],
    ] {
      #expect(hidden("abcdef-123 abcdef", headers: headers) == "*** ***")
    }
  }

  @Test("six bytes are a secret, five are a word") func shortest() {
    #expect(hidden("abcdef abcde", headers: [("A", "abcdef"), ("B", "abcde")]) == "*** abcde")
  }

  /// libcurl names it whole, and a password as short as a word is not looked for.
  @Test("a proxy of a kind that libcurl does not know is not named") func unsupported() throws {
    var settings = settings(.httpProtobuf)
    settings.proxy = .url("nonsense://me:pw@127.0.0.1:1")
    let client = try OTLPClient(url: "http://127.0.0.1:1/", settings: settings)
    let outcome = try Transfers().send(logsRequest(1), with: client)
    guard case .retry(_, let failure) = outcome else { return #expect(Bool(false), "\(outcome)") }
    #expect(!failure.message.isEmpty && !failure.message.contains("me:pw"))
  }

  @Test("they are hidden whatever becomes of the batch, in the headers of now")
  func outcomes() throws {
    var current: [(name: String, value: String)]? = [("X-Token", "first-token")]
    var settings = settings(.httpProtobuf, headers: [("X-Token", "first-token")])
    settings.currentHeaders = { current }
    let client = try OTLPClient(url: "http://127.0.0.1:1/", settings: settings)
    func message(_ status: Int, _ text: String) -> String {
      var response = Response()
      response.status = status
      response.contentType = status == 200 ? "application/json" : "text/plain"
      let body = status == 200 ? "{\"partialSuccess\":{\"errorMessage\":\"\(text)\"}}" : text
      response.body = Array(body.utf8)
      let completion = Completion(token: 0, response: response, failure: nil)
      return switch client.outcome(of: completion, unixSeconds: 0) {
      case .delivered(_, let message): message
      case .retry(_, let failure), .refused(let failure): failure.message
      }
    }
    for status in [200, 400, 503] { #expect(message(status, "no first-token") == "no ***") }
    current = [("X-Token", "second-token")]
    try client.refresh(now: 5_000_000_000)
    for status in [200, 400, 503] { #expect(message(status, "no second-token") == "no ***") }
  }
}
