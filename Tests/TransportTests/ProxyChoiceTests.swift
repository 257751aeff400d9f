// SPDX-License-Identifier: Apache-2.0
// Which proxy is on the way, by what the environment says, and that its password stays there.

import Testing

@testable import Transport

@Suite("the proxy on the way") struct ProxyChoiceTests {
  private static let base = ["http_proxy": "http://me:secret@proxy:3128/"]

  private func place(_ url: String, _ variables: [String: String]) -> String? {
    Proxy.environment.place(for: url) { variables[$0] }
  }

  @Test("each scheme has its own, and all_proxy stands in") func schemes() {
    #expect(place("http://c:4318/v1/logs", Self.base) == "proxy:3128")
    #expect(place("https://c", Self.base) == nil)
    #expect(place("https://c", ["HTTPS_PROXY": "https://p"]) == "p:443")
    #expect(place("http://c", ["HTTP_PROXY": "http://p:1"]) == nil)
    #expect(place("http://c", ["http_proxy": "", "ALL_PROXY": "[::1]:9"]) == "[::1]:9")
    #expect(place("http://c", ["all_proxy": "socks5://[fe80::1]"]) == "[fe80::1]:1080")
  }

  @Test(
    "no_proxy takes names with what ends in them, addresses and networks",
    arguments: [
      ("http://c:4318/", "*", true), ("http://c/", "x,c", true), ("http://c/", "x c", true),
      ("http://a.b.example/", ".example", true), ("http://EXAMPLE/", "example", true),
      ("http://notexample/", "example", false), ("http://c/", "", false),
      ("http://10.1.2.3:4318/", "10.0.0.0/8", true), ("http://10.1.2.3/", "10.1.2.3", true),
      ("http://11.1.2.3/", "10.0.0.0/8", false), ("http://10.1.2.3/", "/,10.1.2.4", false),
      ("http://[fd00::7]:4318/", "fd00::/8", true), ("http://[fd00::7]/", "[fd00::7]", true),
      ("http://[fc00::7]/", "fd00::/8", false),
    ])
  func exceptions(url: String, list: String, isListed: Bool) {
    let variables = Self.base.merging(["no_proxy": list]) { $1 }
    #expect((place(url, variables) == nil) == isListed)
  }

  @Test("one that is configured is not undone by no_proxy") func configured() {
    let proxy = Proxy.url("http://me:p%40ss@10.0.0.1:3128")
    #expect(proxy.place(for: "http://c") { _ in "*" } == "10.0.0.1:3128")
    #expect(Proxy.none.place(for: "http://c") { Self.base[$0] } == nil)
  }
}
