// SPDX-License-Identifier: Apache-2.0
// log.record.uid: names a record for ever, so that a duplicate of at-least-once delivery is known.

internal import Platform

/// "<boot id>-<epoch>-<kind>-<cpu>-<sequence>", all hex.
///
/// Owned by the thread that reads the ring.
///
/// The epoch is the Unix second at which the ledger began, in a boot where sequences start at 0.
struct RecordUID {
  private static let length = 32 + 1 + 8 + 1 + 2 + 1 + 4 + 1 + 16
  private var text = InlineArray<66, UInt8>(repeating: UInt8(ascii: "-"))

  init(bootID: String, epochSeconds: UInt64) {
    precondition(RecordUID.length == 66, "the text is as long as its parts")
    for index in 0..<32 { text[index] = UInt8(ascii: "0") }
    var index = 0
    for byte in bootID.utf8 where byte != UInt8(ascii: "-") && index < 32 {
      text[index] = byte
      index += 1
    }
    put(epochSeconds, digits: 8, at: 33)
  }

  /// Calls `body` with the text for one record.
  mutating func with(
    kind: UInt16, cpu: UInt16, sequence: UInt64, _ body: (RawSpan) -> Void
  ) {
    put(UInt64(kind), digits: 2, at: 42)
    put(UInt64(cpu), digits: 4, at: 45)
    put(hex: UInt32(truncatingIfNeeded: sequence >> 32), at: 50)
    put(hex: UInt32(truncatingIfNeeded: sequence), at: 58)
    unsafe body(text.span.bytes)
  }

  /// Eight digits at once: one in each byte of a word, then made text without a branch.
  private mutating func put(hex value: UInt32, at start: Int) {
    var word = UInt64(value)
    word = (word << 16 | word) & 0x0000_ffff_0000_ffff
    word = (word << 8 | word) & 0x00ff_00ff_00ff_00ff
    word = (word << 4 | word) & 0x0f0f_0f0f_0f0f_0f0f
    // 1 in each byte whose digit is a letter, which lies 39 behind the colon that follows "9".
    let letters = ((word &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
    let digits = (word &+ 0x3030_3030_3030_3030 &+ letters &* 39).bigEndian
    var span = text.mutableSpan
    unsafe span.withUnsafeMutableBytes { bytes in
      unsafe bytes.storeBytes(of: digits, toByteOffset: start, as: UInt64.self)
    }
  }

  private mutating func put(_ value: UInt64, digits: Int, at start: Int) {
    var rest = value
    var index = start + digits - 1
    while index >= start {
      let digit = UInt8(truncatingIfNeeded: rest & 15)
      text[index] = digit < 10 ? digit &+ 48 : digit &+ 87
      rest >>= 4
      index -= 1
    }
  }
}
