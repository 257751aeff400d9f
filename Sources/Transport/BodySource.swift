// SPDX-License-Identifier: Apache-2.0
// Request bodies are pulled in pieces, so that a batch made of slices is never concatenated.

/// A request body; used only by the thread that owns the `Transfers` it was started on.
package protocol BodySource: AnyObject {
  /// The size of the whole body, constant while an exchange reads it.
  var byteCount: Int { get }
  /// Writes the next bytes to the start of `buffer` and returns how many; 0 only at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int
  /// Starts over: the body is sent again when a kept connection turns out to be dead.
  func rewind()
}

/// A body that is one array.
package final class ArrayBody: BodySource {
  private let bytes: [UInt8]
  private var offset = 0

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  package var byteCount: Int { bytes.count }

  package func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(buffer.count, bytes.count - offset)
    unsafe buffer.copyBytes(from: bytes[offset..<(offset + count)])
    offset += count
    return count
  }

  package func rewind() {
    offset = 0
  }
}

/// One gRPC message: five bytes of prefix, then the body as it is.
final class FramedBody: BodySource {
  private let message: any BodySource
  private let prefix: [UInt8]
  private var offset = 0

  init(_ message: any BodySource, isCompressed: Bool) {
    self.message = message
    let count = UInt32(clamping: message.byteCount)
    prefix = [
      isCompressed ? 1 : 0, UInt8(truncatingIfNeeded: count >> 24),
      UInt8(truncatingIfNeeded: count >> 16),
      UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count),
    ]
  }

  var byteCount: Int { prefix.count + message.byteCount }

  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard offset < prefix.count else { return unsafe message.read(into: buffer) }
    let count = min(buffer.count, prefix.count - offset)
    unsafe buffer.copyBytes(from: prefix[offset..<(offset + count)])
    offset += count
    let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
    return unsafe rest.isEmpty ? count : count + message.read(into: rest)
  }

  func rewind() {
    offset = 0
    message.rewind()
  }
}
