// SPDX-License-Identifier: Apache-2.0
// Standard output, buffered by us: a reader that goes away ends the program quietly, as in a pipe.

internal import Glibc
internal import Platform
internal import Synchronization

/// Written by the thread that runs the command.
enum Output {
  private static let buffer = Mutex<[UInt8]>([])
  private static let limit = 65_536

  static func line(_ text: String) {
    self.text(text)
    self.text("\n")
  }

  static func text(_ text: String) {
    let isFull = buffer.withLock { buffer in
      buffer.append(contentsOf: text.utf8)
      return buffer.count >= limit
    }
    if isFull { flush() }
  }

  /// Writes what is buffered; leaves with 0 when the reader is gone, with 1 on any other failure.
  static func flush() {
    buffer.withLock { buffer in
      var done = 0
      while done < buffer.count {
        let count = unsafe buffer.withUnsafeBytes { bytes in
          unsafe write(STDOUT_FILENO, bytes.baseAddress?.advanced(by: done), bytes.count - done)
        }
        if count < 0 {
          if errno == EINTR { continue }
          let error = SystemError.current("cannot write")
          if error.code == EPIPE { exit(0) }
          complain("\(error)")
          exit(1)
        }
        done += count
      }
      buffer.removeAll(keepingCapacity: true)
    }
  }
}
