// SPDX-License-Identifier: Apache-2.0
// Signals are blocked before any thread starts and then taken by one thread that waits for them.

internal import Glibc

/// The signals that the process answers by waiting.
///
/// A SIGPIPE that a write of some thread brings is that thread's, and waits there for ever; one
/// that is sent to the process is seen here.
@safe
public struct Signals {
  private var set = sigset_t()

  /// Blocks `numbers`, and SIGPIPE besides, in this thread and all that it starts.
  public init(blocking numbers: [CInt]) {
    unsafe sigemptyset(&set)
    for number in numbers { unsafe sigaddset(&set, number) }
    var blocked = set
    // A peer that closes is an error of the write, never the end of the process.
    unsafe sigaddset(&blocked, SIGPIPE)
    unsafe pthread_sigmask(SIG_BLOCK, &blocked, nil)
  }

  /// Waits for the next of them; nil when `milliseconds` pass without one.
  public func wait(milliseconds: Int? = nil) -> CInt? {
    var set = self.set
    while true {
      var limit = timespec(
        tv_sec: (milliseconds ?? 0) / 1000, tv_nsec: (milliseconds ?? 0) % 1000 * 1_000_000)
      let number =
        if milliseconds == nil { unsafe sigwaitinfo(&set, nil) } else {
          unsafe sigtimedwait(&set, nil, &limit)
        }
      if number > 0 { return number }
      if errno == EAGAIN { return nil }
    }
  }
}
