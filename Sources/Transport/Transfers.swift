// SPDX-License-Identifier: Apache-2.0
// Several exchanges at once on one thread, over kept connections. Owned by the export thread; only
// a `Waker` may be used from another.

internal import CApus
internal import CCurl

/// An owned multi handle.
///
/// `wake` may be called from any thread, everything else from the owner's.
@safe
private final class Multi: @unchecked Sendable {
  let raw: OpaquePointer

  init() throws(TransportError) {
    guard let raw = unsafe capus_curl_multi_new() else { throw .outOfMemory }
    unsafe self.raw = raw
  }

  deinit {
    unsafe capus_curl_multi_free(raw)
  }
}

/// Ends a wait that is under way, or else the next one, from any thread.
package struct Waker: Sendable {
  fileprivate let multi: Multi

  package func wake() {
    // It fails only when the wake-up pipe is full, and then a wake-up is pending already.
    _ = unsafe capus_curl_multi_wakeup(multi.raw)
  }
}

/// The exchanges that are under way.
package final class Transfers {
  private let multi: Multi
  private var active: [Exchange] = []
  private var idle: [Exchange] = []

  package init() throws(TransportError) {
    try openLibrary()
    multi = try Multi()
    try check(
      "limit its connections",
      unsafe capus_curl_multi_set_long(
        multi.raw, CURLMOPT_MAXCONNECTS.rawValue, Limits.connections))
  }

  deinit {
    for exchange in active { detach(exchange) }
  }

  package var waker: Waker { Waker(multi: multi) }
  package var activeCount: Int { active.count }

  /// Begins an exchange; `wait` does the work and reports its end under `token`.
  package func start(_ request: Request, token: UInt64) throws(TransportError) {
    precondition(!active.contains { $0.token == token }, "token \(token) is under way already")
    guard active.count < Limits.transfers else { throw .busy }
    let exchange =
      if let kept = idle.popLast() { kept } else { try Exchange() }
    try exchange.prepare(request, token: token)
    try check("add a transfer", unsafe capus_curl_multi_add(multi.raw, exchange.easy))
    active.append(exchange)
  }

  /// Ends an exchange without a completion; false when there is none of that token.
  @discardableResult
  package func cancel(token: UInt64) -> Bool {
    guard let index = active.firstIndex(where: { $0.token == token }) else { return false }
    let exchange = active.remove(at: index)
    detach(exchange)
    _ = exchange.finish(code: 0)
    idle.append(exchange)
    return true
  }

  /// Moves every exchange on; returns when one ended or moved, a waker was used or time is up.
  ///
  /// `completed` may start and cancel exchanges. Returns how many ended.
  @discardableResult
  package func wait(
    milliseconds: Int, completed: (Completion) -> Void
  ) throws(TransportError) -> Int {
    let ended = try advance(completed)
    guard ended == 0, milliseconds > 0 else { return ended }
    try check("wait", unsafe capus_curl_multi_poll(multi.raw, Int32(clamping: milliseconds)))
    return try advance(completed)
  }

  private func advance(_ completed: (Completion) -> Void) throws(TransportError) -> Int {
    var running: Int32 = 0
    try check("transfer", unsafe capus_curl_multi_perform(multi.raw, &running))
    var completions: [Completion] = []
    while true {
      let done = unsafe capus_curl_multi_next(multi.raw)
      guard let easy = unsafe done.easy else { break }
      guard let index = active.firstIndex(where: { unsafe $0.easy == easy }) else {
        preconditionFailure("libcurl reports a transfer that was never started")
      }
      let exchange = active.remove(at: index)
      completions.append(exchange.finish(code: unsafe done.code))
      detach(exchange)
      idle.append(exchange)
    }
    // Only now: the callback may start an exchange on a handle that was just freed.
    for completion in completions { completed(completion) }
    return completions.count
  }

  private func detach(_ exchange: Exchange) {
    let code = unsafe capus_curl_multi_remove(multi.raw, exchange.easy)
    precondition(code == 0, "a transfer was removed twice")
  }

  private func check(_ operation: StaticString, _ code: Int32) throws(TransportError) {
    guard code != 0 else { return }
    throw .multi(operation: operation, reason: unsafe String(cString: capus_curl_multi_text(code)))
  }
}
