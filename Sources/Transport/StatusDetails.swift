// SPDX-License-Identifier: Apache-2.0
// google.rpc.Status and google.rpc.RetryInfo, as far as they decide about a retry.

/// The part of a google.rpc.Status that an exporter acts on.
struct StatusDetails: Equatable {
  var message = ""
  /// From RetryInfo; nil when there is none.
  var retryDelayNanoseconds: UInt64?

  init() {}

  /// From the wire form, the body of an OTLP/HTTP error; nil when it is malformed.
  init?(_ bytes: [UInt8]) {
    var reader = WireReader(bytes)
    while let field = reader.next() {
      guard let range = field.range else { continue }
      switch field.number {
      case 2: message = readableText(bytes[range])
      case 3: if let delay = retryDelay(inAny: range, of: bytes) { retryDelayNanoseconds = delay }
      default: break
      }
    }
    if reader.isMalformed { return nil }
  }

  /// From the `grpc-status-details-bin` trailer.
  init?(base64 text: String) {
    guard let bytes = base64Decoded(text) else { return nil }
    self.init(bytes)
  }
}

private func retryDelay(inAny range: Range<Int>, of bytes: [UInt8]) -> UInt64? {
  var reader = WireReader(bytes, in: range)
  var isRetryInfo = false
  var value: Range<Int>?
  while let field = reader.next() {
    guard let range = field.range else { continue }
    switch field.number {
    case 1:
      isRetryInfo = bytes[range].elementsEqual("type.googleapis.com/google.rpc.RetryInfo".utf8)
    case 2: value = range
    default: break
    }
  }
  guard isRetryInfo, !reader.isMalformed else { return nil }
  // An Any without a value is the message with every field unset: retry, without a minimum wait.
  guard let value else { return 0 }
  var info = WireReader(bytes, in: value)
  var delay: UInt64 = 0
  while let field = info.next() {
    guard field.number == 1, let range = field.range else { continue }
    delay = nanoseconds(inDuration: range, of: bytes)
  }
  return info.isMalformed ? nil : delay
}

/// A google.protobuf.Duration, negative ones as 0, large ones as the largest there is.
private func nanoseconds(inDuration range: Range<Int>, of bytes: [UInt8]) -> UInt64 {
  var reader = WireReader(bytes, in: range)
  var seconds: Int64 = 0
  var nanoseconds: Int64 = 0
  while let field = reader.next() {
    switch field.number {
    case 1: seconds = Int64(bitPattern: field.value)
    case 2: nanoseconds = Int64(bitPattern: field.value)
    default: break
    }
  }
  guard seconds >= 0, (0..<1_000_000_000).contains(nanoseconds) else { return 0 }
  let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
  let (sum, carry) = product.addingReportingOverflow(UInt64(nanoseconds))
  return overflow || carry ? .max : sum
}

/// Base64 with or without padding, as gRPC allows it; nil for anything else.
func base64Decoded(_ text: String) -> [UInt8]? {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(text.utf8.count / 4 * 3 + 2)
  var bits: UInt32 = 0
  var bitCount = 0
  var paddingCount = 0
  for character in text.utf8 {
    if character == UInt8(ascii: "=") {
      paddingCount += 1
      continue
    }
    guard paddingCount == 0, let value = sextet(character) else { return nil }
    bits = bits << 6 | value
    bitCount += 6
    guard bitCount >= 8 else { continue }
    bitCount -= 8
    bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
  }
  // Six left-over bits are a lone character, which encodes nothing.
  return bitCount < 6 && paddingCount <= 2 ? bytes : nil
}

private func sextet(_ character: UInt8) -> UInt32? {
  switch character {
  case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
  case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
  case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
  case UInt8(ascii: "+"): 62
  case UInt8(ascii: "/"): 63
  default: nil
  }
}
