// SPDX-License-Identifier: Apache-2.0
// Addresses as text, held against RFC 5952's examples and against inet_ntop.

import Fuzzing
import Glibc
import Platform
import Testing

@Suite struct AddressTextTests {
  private static func text(_ bytes: [UInt8]) -> String {
    var text = AddressText()
    text.set(bytes.span.bytes, isIPv6: bytes.count == 16)
    return text.string
  }

  private static func parsed(_ text: String) -> [UInt8] {
    let isIPv6 = text.contains(":")
    var bytes = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
    #expect(inet_pton(isIPv6 ? AF_INET6 : AF_INET, text, &bytes) == 1)
    return bytes
  }

  @Test(
    "an address is written as RFC 5952 says",
    arguments: [
      "0.0.0.0", "127.0.0.1", "10.20.30.40", "255.255.255.255", "100.9.0.99",
      "::", "::1", "1::", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "2001:0:0:1::1", "fe80::1:0:0:1",
      "2001:db8::1:0:0:1", "1:2:3:4:5:6:7:8", "::2:3:4:5:6:7:8".replacing("::2", with: "0:2"),
      "1:2:3:4:5:6:7:0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "a:b00:c::d",
    ])
  func known(text: String) { #expect(Self.text(Self.parsed(text)) == text) }

  @Test("ten thousand addresses with many zeros are what inet_ntop makes of them")
  func random() {
    Fuzzing.run("addresses") { dice in
      for _ in 0..<10_000 {
        var bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &dice) }
        // A prefix that inet_ntop does not write with an IPv4 tail.
        bytes[0] |= 0x20
        for group in 0..<8 where Bool.random(using: &dice) {
          bytes[2 * group] = group == 0 ? 0x20 : 0
          bytes[2 * group + 1] = UInt8.random(in: 0...1, using: &dice)
        }
        var room = [CChar](repeating: 0, count: 64)
        _ = inet_ntop(AF_INET6, bytes, &room, 64)
        let expected = String(decoding: room.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
        #expect(Self.text(bytes) == expected)
      }
    }
  }
}
