// SPDX-License-Identifier: Apache-2.0
// gzip streams, made one after the other by one compressor. Owned by the thread that made it.

internal import CApus

/// Compresses; a stream ends with `finish`, after which the next one begins.
@safe
package struct Gzip: ~Copyable {
  private let raw: OpaquePointer
  private static let chunkBytes = 16 << 10

  /// `level` from 1 (fast) to 9 (small); nil when memory is short.
  package init?(level: Int32) {
    guard let raw = unsafe capus_gzip_new(level) else { return nil }
    unsafe self.raw = raw
  }

  deinit { unsafe capus_gzip_free(raw) }

  /// Appends to `output` what comes out for `bytes`, which may be nothing yet.
  package mutating func append(_ bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) {
    var rest = unsafe bytes
    while unsafe !rest.isEmpty {
      let (used, _) = unsafe step(rest, to: &output, isLast: false)
      unsafe rest = UnsafeRawBufferPointer(rebasing: rest[used...])
    }
  }

  /// Appends the rest of the stream.
  package mutating func finish(to output: inout [UInt8]) {
    let nothing = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    while unsafe !step(nothing, to: &output, isLast: true).isOver {}
    unsafe capus_gzip_reset(raw)
  }

  /// Forgets a stream that was begun.
  package mutating func reset() { unsafe capus_gzip_reset(raw) }

  private func step(
    _ bytes: UnsafeRawBufferPointer, to output: inout [UInt8], isLast: Bool
  ) -> (used: Int, isOver: Bool) {
    var used = bytes.count
    let filled = output.count
    output.append(contentsOf: repeatElement(0, count: Gzip.chunkBytes))
    var written = Gzip.chunkBytes
    let isOver = unsafe output.withUnsafeMutableBytes { room in
      // Never empty: a chunk was just added.
      guard let base = room.baseAddress else { return true }
      return unsafe capus_gzip_write(
        raw, bytes.baseAddress, &used, base + filled, &written, isLast)
    }
    output.removeLast(Gzip.chunkBytes - written)
    return (used, isOver)
  }
}
