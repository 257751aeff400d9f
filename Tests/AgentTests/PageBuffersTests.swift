// SPDX-License-Identifier: Apache-2.0

import Serve
import Testing

@testable import Agent

@Suite("page buffers")
struct PageBuffersTests {
  private let buffers = PageBuffers()

  private func client(_ number: Int) -> ClientAddress {
    ClientAddress(high: 0, low: UInt64(number))
  }

  private func refusal(_ number: Int) -> PageRefusal? {
    do throws(PageRefusal) {
      _ = try buffers.take(for: client(number))
      return nil
    } catch {
      return error
    }
  }

  @Test("one address has half of them at most, and another what is left")
  func share() throws {
    #expect((0..<3).map { _ in refusal(1) } == [nil, nil, .share])
    #expect((0..<3).map { _ in refusal(2) } == [nil, nil, .share])
    #expect(refusal(3) == .crowd)
    buffers.giveBack([], sent: 0, to: client(1))
    #expect(refusal(2) == .share)
    #expect(refusal(3) == nil)
    #expect(refusal(1) == .crowd)
  }

  @Test("one comes back with its room")
  func room() throws {
    var taken = try buffers.take(for: client(1))
    taken.reserveCapacity(100_000)
    buffers.giveBack(taken, sent: 0, to: client(1))
    #expect(try buffers.take(for: client(2)).capacity >= 100_000)
  }

  @Test("while large pages are on their way no other is made")
  func sent() throws {
    let most = PageBuffers.sentBytesMaxOfClient
    for number in 1...3 {
      #expect(refusal(number) == nil)
      buffers.note(most - (number == 3 ? 0 : 1), to: client(number))
    }
    #expect(refusal(4) == .crowd)
    buffers.giveBack([], sent: most, to: client(3))
    #expect(refusal(4) == nil)
  }

  @Test("a page beyond all bounds leaves room for one of another address")
  func huge() throws {
    #expect(refusal(1) == nil)
    buffers.note(100 << 20, to: client(1))
    #expect(refusal(1) == .share)
    #expect(refusal(2) == nil)
    buffers.note(100 << 20, to: client(2))
    #expect(refusal(3) == .crowd)
    buffers.giveBack([], sent: 100 << 20, to: client(1))
    #expect(refusal(3) == nil)
    #expect(refusal(1) == nil)
  }

  @Test("a page that was large leaves no room behind")
  func large() throws {
    var buffer = try buffers.take(for: client(1))
    buffer.reserveCapacity(16 << 20)
    buffers.giveBack(buffer, sent: 0, to: client(1))
    #expect(try buffers.take(for: client(1)).capacity == 0)
  }
}
