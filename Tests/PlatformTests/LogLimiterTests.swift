// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Platform

@Suite("the log's rate limit")
struct LogLimiterTests {
  private let second: UInt64 = 1_000_000_000

  @Test("of thirty lines in one window ten are written, and the next window tells of twenty")
  func burst() {
    var limiter = LogLimiter()
    let answers = (0..<30).map { limiter.admit("full", at: UInt64($0) * 333_000_000) }
    #expect(answers.count { $0 == 0 } == 10)
    #expect(answers[..<10].allSatisfy { $0 == 0 })
    #expect(answers[10...].allSatisfy { $0 == nil })
    #expect(limiter.admit("full", at: 10 * second - 1) == nil)
    #expect(limiter.admit("full", at: 10 * second) == 21)
    #expect(limiter.admit("full", at: 10 * second + 1) == 0)
  }

  @Test("each message has a window of its own")
  func separate() {
    var limiter = LogLimiter()
    for _ in 0..<50 { _ = limiter.admit("loud", at: 5) }
    #expect(limiter.admit("quiet", at: 5) == 0)
    #expect(limiter.admit("loud", at: 5) == nil)
  }

  @Test("the table is bounded, and a message that gives way leaves its count to the one that comes")
  func bounded() {
    var limiter = LogLimiter()
    for _ in 0..<17 { _ = limiter.admit("oldest", at: 0) }
    for number in 1..<LogLimiter.sitesMax {
      #expect(limiter.admit("message \(number)", at: UInt64(number)) == 0)
    }
    #expect(limiter.admit("one too many", at: 100) == 7)
    // Forgotten, so new: the second oldest gives way, which held nothing back.
    #expect(limiter.admit("oldest", at: 101) == 0)
    #expect(limiter.admit("message 1", at: 102) == 0)
  }
}
