// SPDX-License-Identifier: Apache-2.0
// The secret that a request must show.

internal import Glibc
internal import Platform

/// Any thread may use it.
package final class BearerToken: Sendable {
  private static let fileBytesMax = 4096

  /// Read anew for each request, so that a token that was replaced needs no restart.
  private let path: String?
  private let fixed: [UInt8]

  package init(_ text: String) {
    path = nil
    fixed = Array(text.utf8)
  }

  /// The contents of a file without what is blank at its end.
  package init(file path: String) throws(ServeError) {
    self.path = path
    fixed = []
    _ = try BearerToken.read(path)
  }

  /// Whether an Authorization header has the token.
  func isShown(in header: String?) -> Bool {
    guard let header else { return false }
    let parts = header.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else { return false }
    return isEqual(Array(parts[1].utf8), current())
  }

  /// nil, so that nobody is let in, while the file has none: whoever takes a token away means it.
  private func current() -> [UInt8]? {
    guard let path else { return fixed }
    do throws(ServeError) {
      return try BearerToken.read(path)
    } catch {
      Log.warn("nobody is let in", ["problem": "\(error)"])
      return nil
    }
  }

  private static func read(_ path: String) throws(ServeError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: fileBytesMax + 1)
    let count: Int
    do throws(SystemError) {
      let file = try Descriptor(path: path, flags: O_RDONLY)
      count = try unsafe bytes.withUnsafeMutableBufferPointer { room throws(SystemError) in
        try unsafe file.read(into: UnsafeMutableRawBufferPointer(room))
      }
    } catch {
      throw .token(path: path, reason: "\(error)")
    }
    guard count <= fileBytesMax else { throw .token(path: path, reason: "larger than 4 KiB") }
    var token = bytes[..<count]
    while let end = token.last, end <= UInt8(ascii: " ") { token.removeLast() }
    guard !token.isEmpty else { throw .token(path: path, reason: "empty") }
    guard token.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      throw .token(path: path, reason: "a token has letters, digits and signs alone")
    }
    return Array(token)
  }
}

/// Takes as long wherever they differ, so that time does not tell how much was guessed; only
/// whether the lengths are the same.
private func isEqual(_ guess: [UInt8], _ token: [UInt8]?) -> Bool {
  guard let token, guess.count == token.count, !token.isEmpty else { return false }
  var difference: UInt8 = 0
  for place in token.indices { difference |= guess[place] ^ token[place] }
  return difference == 0
}
