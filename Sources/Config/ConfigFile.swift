// SPDX-License-Identifier: Apache-2.0
// Reads a configuration file, never more of it than the limit.

internal import Glibc
internal import Platform

package enum ConfigFile {
  package static func read(_ path: String) throws(ConfigError) -> [UInt8] {
    let file = try open(path)
    // One byte more than allowed tells "full" from "too large" without trusting st_size.
    var bytes = [UInt8](repeating: 0, count: Limits.fileBytes + 1)
    var filled = 0
    while filled < bytes.count {
      do throws(SystemError) {
        let count = try unsafe bytes.withUnsafeMutableBufferPointer { room throws(SystemError) in
          try unsafe file.read(
            into: UnsafeMutableRawBufferPointer(
              rebasing: UnsafeMutableRawBufferPointer(room)[filled...]))
        }
        if count == 0 { break }
        filled += count
      } catch {
        throw failure(path, .unreadable(code: error.code))
      }
    }
    guard filled <= Limits.fileBytes else { throw failure(path, .tooLarge) }
    bytes.removeLast(bytes.count - filled)
    return bytes
  }

  /// A regular file, open to be read; nothing else is waited for.
  static func open(_ path: String) throws(ConfigError) -> Descriptor {
    do throws(SystemError) {
      // O_NONBLOCK so that a FIFO given by mistake is refused below and does not hold the start.
      let file = try Descriptor(path: path, flags: O_RDONLY | O_NONBLOCK)
      var status = stat()
      guard unsafe fstat(file.raw, &status) == 0 else { throw .current("fstat") }
      if status.st_mode & S_IFMT == S_IFREG { return file }
    } catch {
      throw failure(path, .unreadable(code: error.code))
    }
    throw failure(path, .notAFile)
  }

  private static func failure(_ path: String, _ kind: ConfigError.Kind) -> ConfigError {
    ConfigError(source: .file(path, Mark(line: 1, column: 1)), key: "", kind: kind)
  }
}
