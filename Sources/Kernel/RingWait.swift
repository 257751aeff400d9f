// SPDX-License-Identifier: Apache-2.0
// Waits for records, a timer or another thread, whichever comes first.

internal import CApus
internal import Glibc
public import Platform

/// Waits edge-triggered: only the kernel's wake-up ends the wait, not the mere presence of data.
///
/// The ring is readable as soon as it holds one record; level-triggered, each record would cost a
/// wake-up. The producers wake us when the backlog passes `knobs.wake_bytes`; the time-out is the
/// greatest age that a record reaches before.
public struct RingWait: ~Copyable {
  private let epoll: Descriptor
  private let event: Event

  /// `event` ends a wait early.
  public init(_ reader: borrowing EventReader, event: Event) throws(SystemError) {
    let raw = epoll_create1(CInt(EPOLL_CLOEXEC))
    guard raw >= 0 else { throw .current("epoll_create1") }
    let epoll = Descriptor(owning: raw)
    for descriptor in reader.descriptors + [event.descriptor] {
      var interest = unsafe epoll_event()
      unsafe interest.events = EPOLLIN.rawValue | EPOLLET.rawValue
      unsafe interest.data.fd = descriptor
      guard unsafe epoll_ctl(raw, EPOLL_CTL_ADD, descriptor, &interest) == 0 else {
        throw .current("epoll_ctl")
      }
    }
    self.epoll = epoll
    self.event = event
  }

  /// Waits up to `milliseconds`.
  public borrowing func wait(milliseconds: CInt) {
    var ready = unsafe InlineArray<2, epoll_event>(repeating: epoll_event())
    let count = unsafe withUnsafeMutablePointer(to: &ready[0]) {
      unsafe epoll_wait(epoll.raw, $0, 2, milliseconds)
    }
    if count > 0 { event.clear() }
  }
}
