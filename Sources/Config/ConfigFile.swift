// SPDX-License-Identifier: Apache-2.0
// Reads a configuration file, never more of it than the limit.

internal import Glibc

package enum ConfigFile {
  package static func read(_ path: String) throws(ConfigError) -> [UInt8] {
    func failure(_ kind: ConfigError.Kind) -> ConfigError {
      ConfigError(source: .file(path, Mark(line: 1, column: 1)), key: "", kind: kind)
    }
    // O_NONBLOCK so that a FIFO given by mistake is refused below and does not hold the start.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure(.unreadable(code: errno)) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw failure(.unreadable(code: errno)) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw failure(.notAFile) }

    // One byte more than allowed tells "full" from "too large" without trusting st_size.
    var bytes = [UInt8](repeating: 0, count: Limits.fileBytes + 1)
    var filled = 0
    while filled < bytes.count {
      let count = unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe Glibc.read(
          descriptor, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure(.unreadable(code: errno)) }
      if count == 0 { break }
      filled += count
    }
    guard filled <= Limits.fileBytes else { throw failure(.tooLarge) }
    bytes.removeLast(bytes.count - filled)
    return bytes
  }
}

/// The C library's words for an error number.
func errorText(_ code: Int32) -> String {
  var buffer = [CChar](repeating: 0, count: 128)
  // Not strerror, whose buffer another thread may overwrite.
  guard unsafe strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
  return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
