// SPDX-License-Identifier: Apache-2.0
// A lock on a whole file that belongs to the open file, and that can be asked about without being
// taken (fcntl's F_OFD_ locks, Linux 3.15).

internal import Glibc
internal import Platform

enum FileLock {
  // Glibc's module does not have them; linux/fcntl.h.
  private static let query: CInt = 36
  private static let set: CInt = 37

  private static var whole: flock {
    var lock = flock()
    lock.l_type = Int16(F_WRLCK)
    lock.l_whence = Int16(SEEK_SET)
    return lock
  }

  /// False when somebody has it.
  static func take(_ file: borrowing Descriptor) throws(SystemError) -> Bool {
    var lock = whole
    if unsafe fcntl(file.raw, set, &lock) == 0 { return true }
    guard errno == EAGAIN || errno == EACCES else { throw .current("fcntl") }
    return false
  }

  static func isTaken(_ file: borrowing Descriptor) throws(SystemError) -> Bool {
    var lock = whole
    guard unsafe fcntl(file.raw, query, &lock) == 0 else { throw .current("fcntl") }
    return lock.l_type != Int16(F_UNLCK)
  }
}
