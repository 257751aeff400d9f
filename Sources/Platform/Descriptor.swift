// SPDX-License-Identifier: Apache-2.0
// An owned file descriptor and the few calls made on it.

public import Glibc

/// Owns a file descriptor and closes it when it goes.
public struct Descriptor: ~Copyable {
  public let raw: CInt

  /// Takes ownership of an open descriptor.
  public init(owning raw: CInt) {
    precondition(raw >= 0, "a descriptor is not negative")
    self.raw = raw
  }

  /// Opens a file.
  ///
  /// `O_CLOEXEC` is always added.
  public init(path: String, flags: CInt, mode: mode_t = 0o640) throws(SystemError) {
    let raw = unsafe open(path, flags | O_CLOEXEC, mode)
    guard raw >= 0 else { throw .current("open") }
    self.raw = raw
  }

  deinit {
    // EBADF would mean that someone else closed it, and that the number may be another's by now.
    precondition(close(raw) == 0 || errno != EBADF, "descriptor closed twice")
  }

  /// Gives the descriptor away; the caller closes it.
  public consuming func release() -> CInt {
    let raw = self.raw
    discard self
    return raw
  }

  /// Writes all of `bytes`, over as many calls as it takes.
  public borrowing func writeAll(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
    var done = 0
    while done < bytes.count {
      let count = unsafe write(raw, bytes.baseAddress?.advanced(by: done), bytes.count - done)
      if count < 0 {
        if errno == EINTR { continue }
        throw .current("write")
      }
      done += count
    }
  }

  /// Writes as much as fits now; 0 when nothing does.
  ///
  /// A pipe or a terminal must have been opened with O_NONBLOCK.
  public borrowing func writeAvailable(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
    while true {
      // Only a socket can be asked call by call.
      var count = unsafe send(raw, bytes.baseAddress, bytes.count, CInt(MSG_DONTWAIT))
      if count < 0, errno == ENOTSOCK {
        count = unsafe write(raw, bytes.baseAddress, bytes.count)
      }
      if count >= 0 { return count }
      if errno == EAGAIN { return 0 }
      if errno != EINTR { throw .current("write") }
    }
  }

  /// Reads up to `room.count` bytes; 0 is the end.
  public borrowing func read(into room: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
    while true {
      let count = unsafe Glibc.read(raw, room.baseAddress, room.count)
      if count >= 0 { return count }
      if errno != EINTR { throw .current("read") }
    }
  }
}

/// Reads a file that is expected to be small; what exceeds `limit` bytes is an error (EFBIG).
public func readFile(_ path: String, limit: Int = 65_536) throws(SystemError) -> [UInt8] {
  try Descriptor(path: path, flags: O_RDONLY).readToEnd(limit: limit)
}

extension Descriptor {
  /// All that comes; EFBIG when that is more than `limit` bytes.
  public func readToEnd(limit: Int) throws(SystemError) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: min(limit + 1, 65_536))
    while true {
      let count = try unsafe chunk.withUnsafeMutableBufferPointer { room throws(SystemError) in
        try unsafe read(into: UnsafeMutableRawBufferPointer(room))
      }
      if count == 0 { return bytes }
      guard bytes.count + count <= limit else { throw SystemError("read", code: EFBIG) }
      bytes.append(contentsOf: chunk[..<count])
    }
  }
}

/// Reads a small text file without its trailing white space; nil when it cannot be read.
///
/// Only for facts whose absence is itself an answer (a kernel without that file).
public func readText(_ path: String) -> String? {
  guard let bytes = try? readFile(path) else { return nil }
  var end = bytes.count
  while end > 0, bytes[end - 1] == 10 || bytes[end - 1] == 32 || bytes[end - 1] == 0 { end -= 1 }
  return String(decoding: bytes[..<end], as: UTF8.self)
}
