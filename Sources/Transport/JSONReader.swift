// SPDX-License-Identifier: Apache-2.0
// Reads the few JSON messages that servers answer with. Whatever the bytes are, it ends.

/// A cursor over one JSON text; nothing is kept of what nobody asks for.
///
/// After malformed bytes there is nothing more.
struct JSONReader {
  private let bytes: [UInt8]
  private var offset = 0
  private(set) var isMalformed = false
  private static let depthMax = 64

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Whether the text was well-formed and is over.
  var isComplete: Bool {
    mutating get { !isMalformed && peek() == nil }
  }

  /// Calls `member` for each member; a value that it does not read is passed over, and so is
  /// anything that is no object.
  mutating func object(_ member: (String, inout JSONReader) -> Void) {
    guard peek() == UInt8(ascii: "{") else { return skip() }
    offset += 1
    if take("}") { return }
    repeat {
      guard let key = string(), take(":") else { return fail() }
      _ = peek()
      let start = offset
      member(key, &self)
      if offset == start { skip() }
      if isMalformed { return }
    } while take(",")
    if !take("}") { fail() }
  }

  /// A string; nil, and the value is still to be read, when it is something else.
  mutating func string() -> String? {
    guard peek() == UInt8(ascii: "\"") else { return nil }
    offset += 1
    var text: [UInt8] = []
    while offset < bytes.count {
      let byte = bytes[offset]
      offset += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): appendEscaped(to: &text)
      case 0..<0x20: fail()
      default: text.append(byte)
      }
      if isMalformed { return nil }
    }
    fail()
    return nil
  }

  /// An integer, which OTLP's JSON may have as a string.
  mutating func integer() -> Int64? {
    if let text = string() { return Int64(text) }
    let start = offset
    skip()
    return isMalformed ? nil : Int64(String(decoding: bytes[start..<offset], as: UTF8.self))
  }

  /// Passes over one value.
  mutating func skip() { skip(depth: 0) }

  private mutating func skip(depth: Int) {
    guard depth < JSONReader.depthMax, let first = peek() else { return fail() }
    switch first {
    case UInt8(ascii: "\""): _ = string()
    case UInt8(ascii: "{"), UInt8(ascii: "["): skipMembers(depth: depth)
    default:
      let start = offset
      while offset < bytes.count, isWord(bytes[offset]) { offset += 1 }
      if offset == start { fail() }
    }
  }

  private mutating func skipMembers(depth: Int) {
    let isObject = bytes[offset] == UInt8(ascii: "{")
    offset += 1
    let end: Unicode.Scalar = isObject ? "}" : "]"
    if take(end) { return }
    repeat {
      if isObject, string() == nil || !take(":") { return fail() }
      skip(depth: depth + 1)
      if isMalformed { return }
    } while take(",")
    if !take(end) { fail() }
  }

  /// The next byte that is no blank.
  private mutating func peek() -> UInt8? {
    while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
    return offset < bytes.count ? bytes[offset] : nil
  }

  private mutating func take(_ wanted: Unicode.Scalar) -> Bool {
    guard peek() == UInt8(ascii: wanted) else { return false }
    offset += 1
    return true
  }

  private mutating func fail() {
    isMalformed = true
    offset = bytes.count
  }

  /// Of numbers, true, false and null.
  private func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x2E: true
    default: false
    }
  }

  private mutating func appendEscaped(to text: inout [UInt8]) {
    guard offset < bytes.count else { return fail() }
    let byte = bytes[offset]
    offset += 1
    switch byte {
    case UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"), UInt8(ascii: "b"),
      UInt8(ascii: "f"):
      // The text is for one line of a log.
      text.append(0x20)
    case UInt8(ascii: "u"):
      guard var scalar = hexadecimal() else { return fail() }
      if 0xD800..<0xDC00 ~= scalar, offset + 1 < bytes.count,
        bytes[offset] == UInt8(ascii: "\\"), bytes[offset + 1] == UInt8(ascii: "u")
      {
        offset += 2
        guard let low = hexadecimal() else { return fail() }
        scalar = 0x10000 + ((scalar - 0xD800) << 10 | (low & 0x3FF))
      }
      text.append(contentsOf: String(Unicode.Scalar(scalar).map(Character.init) ?? "\u{FFFD}").utf8)
    default: text.append(byte)
    }
  }

  private mutating func hexadecimal() -> UInt32? {
    guard offset + 4 <= bytes.count else { return nil }
    let digits = String(decoding: bytes[offset..<offset + 4], as: UTF8.self)
    offset += 4
    return digits.hasPrefix("+") ? nil : UInt32(digits, radix: 16)
  }
}

extension ExportOutcome {
  /// From an Export…ServiceResponse in JSON.
  static func delivered(json bytes: [UInt8]) -> ExportOutcome {
    var rejected: Int64 = 0
    var message = ""
    var reader = JSONReader(bytes)
    reader.object { key, reader in
      guard key == "partialSuccess" else { return }
      reader.object { key, reader in
        switch key {
        case "rejectedLogRecords", "rejectedDataPoints", "rejectedSpans":
          rejected = reader.integer() ?? rejected
        case "errorMessage": message = reader.string() ?? message
        default: break
        }
      }
    }
    guard reader.isComplete else { return .delivered(rejected: 0, message: malformedMessage) }
    return .delivered(
      rejected: UInt64(max(0, rejected)), message: readableText(Array(message.utf8)[...]))
  }
}

extension StatusDetails {
  /// From a google.rpc.Status in JSON; HTTP has the delay in a header.
  init?(json bytes: [UInt8]) {
    var found = ""
    var reader = JSONReader(bytes)
    reader.object { key, reader in
      if key == "message" { found = reader.string() ?? found }
    }
    guard reader.isComplete else { return nil }
    message = readableText(Array(found.utf8)[...])
  }
}
