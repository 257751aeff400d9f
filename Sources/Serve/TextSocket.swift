// SPDX-License-Identifier: Apache-2.0
// A Unix socket that tells whoever may connect to it one text and hangs up.

internal import Glibc
internal import Platform

/// A socket that is served, on a thread of its own; ending its lifetime removes it.
///
/// Nothing is read, so there is no request that could be slow or wrong, and nothing is waited for:
/// what the kernel does not take at once is not sent.
package struct TextSocket: ~Copyable {
  private let path: String
  private let stopping: StopFlag
  private let wake: Event
  // Joined when the socket goes.
  private let thread: Thread

  /// Makes the socket, for its owner and root alone, in the place of one that nobody serves.
  ///
  /// `text` is called on the socket's thread, for each who connects.
  package init(path: String, text: @escaping @Sendable () -> String) throws(ServeError) {
    let listener = try UnixListener(path)
    let stopping = StopFlag()
    do throws(SystemError) {
      let wake = try Event()
      thread = try Thread("status") { listener.run(until: stopping, wake, text) }
      self.wake = wake
    } catch {
      _ = unsafe unlink(path)
      throw .start(errno: error.code)
    }
    self.path = path
    self.stopping = stopping
  }

  deinit {
    _ = unsafe unlink(path)
    stopping.raise()
    wake.raise()
  }

  /// What such a socket tells; nil when there is none, or none for us, or not all of it in time.
  package static func read(path: String, bytesMax: Int = 1 << 20) -> String? {
    guard var name = UnixListener.name(path) else { return nil }
    let raw = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard raw >= 0 else { return nil }
    let descriptor = Descriptor(owning: raw)
    var limit = timeval(tv_sec: 3, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    // Without them a stopped peer would be waited for.
    guard unsafe setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &limit, size) == 0,
      unsafe setsockopt(raw, SOL_SOCKET, SO_SNDTIMEO, &limit, size) == 0,
      unsafe UnixListener.with(&name, { unsafe connect(raw, $0, $1) }) == 0
    else { return nil }
    guard let bytes = try? descriptor.readToEnd(limit: bytesMax) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// Owned by the thread that serves it.
// Sendable: made by the socket's owner and handed to its thread, which alone uses it.
private final class UnixListener: Sendable {
  private let raw: Int32

  init(_ path: String) throws(ServeError) {
    guard var name = UnixListener.name(path) else {
      throw .listen(address: path, errno: ENAMETOOLONG)
    }
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    raw = socket(AF_UNIX, kind | Int32(SOCK_NONBLOCK.rawValue), 0)
    guard raw >= 0 else { throw .listen(address: path, errno: errno) }
    UnixListener.removeStale(path)
    // Its mode is the file's from the first moment on.
    guard fchmod(raw, 0o600) == 0,
      unsafe UnixListener.with(&name, { unsafe bind(raw, $0, $1) }) == 0,
      listen(raw, 8) == 0
    else {
      // `deinit` closes it.
      throw .listen(address: path, errno: errno)
    }
  }

  deinit { close(raw) }

  /// Only a socket is removed: a file of another kind is not ours.
  private static func removeStale(_ path: String) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
    unsafe unlink(path)
  }

  static func name(_ path: String) -> sockaddr_un? {
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let isCopied = unsafe withUnsafeMutableBytes(of: &name.sun_path) { room in
      // The zero at the end is there already.
      guard bytes.count < room.count else { return false }
      unsafe room.copyBytes(from: bytes)
      return true
    }
    return isCopied ? name : nil
  }

  static func with(
    _ name: inout sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    unsafe withUnsafeBytes(of: &name) { raw in
      guard let base = raw.baseAddress else { return -1 }
      return unsafe body(
        base.assumingMemoryBound(to: sockaddr.self), socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }

  func run(until stopping: StopFlag, _ wake: Event, _ text: () -> String) {
    while !stopping.isRaised {
      var entries = [
        pollfd(fd: raw, events: Int16(POLLIN), revents: 0),
        pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
      ]
      _ = unsafe poll(&entries, nfds_t(entries.count), -1)
      guard entries[0].revents != 0 else { continue }
      let accepted = accept(raw, nil, nil)
      guard accepted >= 0 else {
        // Without descriptors left it would be tried in a circle.
        wake.wait(milliseconds: 100)
        continue
      }
      _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
      tell(text(), Descriptor(owning: accepted))
    }
  }

  private func tell(_ text: String, _ peer: consuming Descriptor) {
    // One who has gone, or takes nothing, knows that it has not heard the end.
    _ = try? unsafe Array(text.utf8).withUnsafeBufferPointer { bytes throws(SystemError) in
      try unsafe peer.writeAvailable(UnsafeRawBufferPointer(bytes))
    }
  }
}
