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
    buffers.giveBack(taken[0], sent: 0)
    let again = try #require(buffers.take())
    #expect(again.capacity >= 100_000)
    #expect(buffers.take() == nil)
  }

  @Test("while a large page is on its way no other is made")
  func sent() throws {
    let buffers = PageBuffers()
    let page = try #require(buffers.take())
    buffers.note(PageBuffers.sentBytesMax - 1)
    let second = try #require(buffers.take())
    buffers.note(1)
    #expect(buffers.take() == nil)
    buffers.giveBack(page, sent: PageBuffers.sentBytesMax - 1)
    #expect(buffers.take() != nil)
    buffers.giveBack(second, sent: 1)
  }

  @Test("a page that was large leaves no room behind")
  func large() throws {
    let buffers = PageBuffers()
    var buffer = try #require(buffers.take())
    buffer.reserveCapacity(16 << 20)
    buffers.giveBack(buffer, sent: 0)
    #expect(try #require(buffers.take()).capacity == 0)
  }
}
