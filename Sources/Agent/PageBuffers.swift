// SPDX-License-Identifier: Apache-2.0
// What pages of /metrics are rendered into, and who has how much of them.

internal import Serve
internal import Synchronization

/// Why there is no page for now, as the client is told.
enum PageRefusal: String, Error {
  case share = "this address has its share of scrapes on their way already"
  case crowd = "other scrapes are on their way already"
}

/// As many buffers as pages may be on their way, one kept when none is.
///
/// A client that reads slowly keeps its pages until it is ended, so no address gets more than half
/// of them: there is always something left for another one.
final class PageBuffers: Sendable {
  static let countMax = 4
  /// While pages of so much are on their way no other is made.
  static let sentBytesMax = 8 << 20
  // Of both, for one address; what a page has beyond it counts against no other.
  static let countMaxOfClient = countMax / 2
  static let sentBytesMaxOfClient = sentBytesMax / 2
  private static let idleMax = 1
  /// A page that was larger is not kept.
  static let keptBytesMax = 4 << 20

  private struct Share {
    let client: ClientAddress
    var taken = 0
    var sentBytes = 0
  }

  private struct State {
    /// Of those that have any; no more than there are buffers.
    var shares: [Share] = []
    var idle: [[UInt8]] = []

    func index(of client: ClientAddress) -> Int? {
      shares.firstIndex { $0.client == client }
    }

    var isCrowded: Bool {
      let taken = shares.reduce(0) { $0 + $1.taken }
      let bytes = shares.reduce(0) { $0 + min($1.sentBytes, PageBuffers.sentBytesMaxOfClient) }
      return taken >= PageBuffers.countMax || bytes >= PageBuffers.sentBytesMax
    }
  }

  private let state = Mutex(State())

  func take(for client: ClientAddress) throws(PageRefusal) -> [UInt8] {
    let result = state.withLock { state -> Result<[UInt8], PageRefusal> in
      let index = state.index(of: client)
      let share = index.map { state.shares[$0] } ?? Share(client: client)
      guard share.taken < PageBuffers.countMaxOfClient,
        share.sentBytes < PageBuffers.sentBytesMaxOfClient
      else { return .failure(.share) }
      guard !state.isCrowded else { return .failure(.crowd) }
      if index == nil { state.shares.append(share) }
      state.shares[index ?? state.shares.count - 1].taken += 1
      return .success(state.idle.popLast() ?? [])
    }
    return try result.get()
  }

  /// How large the page became.
  func note(_ byteCount: Int, to client: ClientAddress) {
    state.withLock { state in
      guard let index = state.index(of: client) else {
        preconditionFailure("a page without a buffer")
      }
      state.shares[index].sentBytes += byteCount
    }
  }

  func giveBack(_ buffer: [UInt8], sent byteCount: Int, to client: ClientAddress) {
    state.withLock { state in
      guard let index = state.index(of: client) else {
        preconditionFailure("a buffer comes back twice")
      }
      state.shares[index].taken -= 1
      state.shares[index].sentBytes -= byteCount
      if state.shares[index].taken == 0 { state.shares.remove(at: index) }
      guard state.idle.count < PageBuffers.idleMax, buffer.capacity <= PageBuffers.keptBytesMax
      else { return }
      state.idle.append(buffer)
    }
  }
}
