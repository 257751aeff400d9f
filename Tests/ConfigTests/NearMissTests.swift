// SPDX-License-Identifier: Apache-2.0
// What is suggested for a word that is almost right, and that nothing else is.

import Platform
import Testing

@Suite("near misses")
struct NearMissTests {
  @Test(
    "an edit is an insertion, a deletion, a replacement or a swap of neighbours",
    arguments: [
      ("", "", 0), ("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("abc", "abd", 1),
      ("listen", "lisen", 1), ("listen", "lsiten", 1), ("listen", "lisstenn", 2),
      ("kitten", "sitting", 3),
    ])
  func distance(first: String, second: String, expected: Int) {
    #expect(NearMiss.distance(first, second) == expected)
  }

  @Test("a slip is answered, another word is not, and the first of equals wins")
  func suggestions() {
    let words = ["listen", "log-level", "otlp-file", "bat", "cat"]
    #expect(NearMiss.suggestion(for: "lisen", among: words) == "listen")
    #expect(NearMiss.suggestion(for: "log-levl", among: words) == "log-level")
    #expect(NearMiss.suggestion(for: "dat", among: words) == "bat")
    #expect(NearMiss.suggestion(for: "metrics", among: words) == nil)
    #expect(NearMiss.suggestion(for: "x", among: []) == nil)
    #expect(NearMiss.suggestion(for: String(repeating: "a", count: 100_000), among: words) == nil)
  }
}
