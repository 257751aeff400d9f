// SPDX-License-Identifier: Apache-2.0
// Waits for the ring, a timer or another thread, whichever comes first.

internal import CApus
internal import Glibc
public import Platform

/// An event that any thread may raise and one thread waits for.
public final class Waker: Sendable {
  fileprivate let raw: CInt

  public init() throws(SystemError) {
    raw = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
    guard raw >= 0 else { throw .current("eventfd") }
  }

  deinit { close(raw) }

  /// Ends the wait in progress, or the next one.
  public func wake() { eventfd_write(raw, 1) }

  fileprivate func clear() {
    var value: eventfd_t = 0
    // EAGAIN: nobody woke us, which is what a cleared event is.
    _ = unsafe eventfd_read(raw, &value)
  }
}

/// Waits edge-triggered: only the kernel's own wake-up ends the wait, not the mere presence of data.
///
/// The ring is readable as soon as it holds one record; level-triggered, each record would cost a
/// wake-up. The producers wake us when the backlog passes `knobs.wake_bytes`; the time-out is the
/// greatest age that a record reaches before.
public struct RingWait: ~Copyable {
  private let epoll: Descriptor
  private let waker: Waker

  public init(ring: borrowing SharedMap, waker: Waker) throws(SystemError) {
    let raw = epoll_create1(CInt(EPOLL_CLOEXEC))
    guard raw >= 0 else { throw .current("epoll_create1") }
    let epoll = Descriptor(owning: raw)
    for descriptor in [ring.descriptor.raw, waker.raw] {
      var event = unsafe epoll_event()
      unsafe event.events = EPOLLIN.rawValue | EPOLLET.rawValue
      unsafe event.data.fd = descriptor
      guard unsafe epoll_ctl(raw, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
        throw .current("epoll_ctl")
      }
    }
    self.epoll = epoll
    self.waker = waker
  }

  /// Waits up to `milliseconds`.
  public borrowing func wait(milliseconds: CInt) {
    var events = unsafe InlineArray<2, epoll_event>(repeating: epoll_event())
    let count = unsafe withUnsafeMutablePointer(to: &events[0]) {
      unsafe epoll_wait(epoll.raw, $0, 2, milliseconds)
    }
    if count > 0 { waker.clear() }
  }
}
