// SPDX-License-Identifier: Apache-2.0
// Reads a configuration file, never more of it than the limit.

internal import Glibc
internal import Platform

package enum ConfigFile {
  package static func read(_ path: String) throws(ConfigError) -> [UInt8] {
    let file = try open(path)
    do throws(SystemError) {
      return try file.readToEnd(limit: Limits.fileBytes)
    } catch {
      throw failure(path, error.code == EFBIG ? .tooLarge : .unreadable(code: error.code))
    }
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
