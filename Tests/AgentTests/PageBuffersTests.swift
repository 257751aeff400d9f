// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Agent

@Suite("page buffers")
struct PageBuffersTests {
  @Test("no more are out than may be, and one comes back with its room")
  func bound() throws {
    let buffers = PageBuffers()
    var taken = (0..<PageBuffers.countMax).compactMap { _ in buffers.take() }
    #expect(taken.count == PageBuffers.countMax)
    #expect(buffers.take() == nil)
    taken[0].reserveCapacity(100_000)
    buffers.giveBack(taken[0])
    let again = try #require(buffers.take())
    #expect(again.capacity >= 100_000)
    #expect(buffers.take() == nil)
  }

  @Test("a page that was large leaves no room behind")
  func large() throws {
    let buffers = PageBuffers()
    var buffer = try #require(buffers.take())
    buffer.reserveCapacity(16 << 20)
    buffers.giveBack(buffer)
    #expect(try #require(buffers.take()).capacity == 0)
  }
}
