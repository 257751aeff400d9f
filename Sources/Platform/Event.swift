// SPDX-License-Identifier: Apache-2.0
// An event that any thread may raise and one thread waits for.

internal import CApus
internal import Glibc

/// Stays raised until the next wait ends with it.
public final class Event: Sendable {
  /// For an epoll set; to be read only through `clear`.
  public let descriptor: CInt

  public init() throws(SystemError) {
    descriptor = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
    guard descriptor >= 0 else { throw .current("eventfd") }
  }

  deinit { close(descriptor) }

  /// Ends the wait in progress, or the next one.
  public func raise() { eventfd_write(descriptor, 1) }

  /// Waits up to `milliseconds`.
  public func wait(milliseconds: Int) {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    if unsafe poll(&entry, 1, CInt(clamping: milliseconds)) > 0 { clear() }
  }

  public func clear() {
    var value: eventfd_t = 0
    // EAGAIN: nobody raised it, which is what a cleared event is.
    _ = unsafe eventfd_read(descriptor, &value)
  }
}
