// SPDX-License-Identifier: Apache-2.0
// Text that several modules write: dates and JSON strings, without a locale.

internal import Glibc

/// "2026-11-21T06:34:54.123456789Z".
public func iso8601(unixNanoseconds: UInt64) -> String {
  var bytes = InlineArray<30, UInt8>(repeating: 0)
  writeISO8601(unixNanoseconds: unixNanoseconds, into: &bytes)
  var text = ""
  text.reserveCapacity(30)
  for index in bytes.indices { text.unicodeScalars.append(Unicode.Scalar(bytes[index])) }
  return text
}

/// The same, as bytes and without allocation: the hot path writes a process's start with it.
public func writeISO8601(unixNanoseconds: UInt64, into text: inout InlineArray<30, UInt8>) {
  let (seconds, fraction) = unixNanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
  let (days, time) = seconds.quotientAndRemainder(dividingBy: 86_400)
  // Civil date from days, in 400-year eras that begin on 1 March (proleptic Gregorian).
  let shifted = days + 719_468
  let era = shifted / 146_097
  let dayOfEra = shifted % 146_097
  let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let monthFromMarch = (5 * dayOfYear + 2) / 153
  let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)

  func put(_ value: UInt64, digits: Int, at start: Int) {
    var rest = value
    for index in (start..<start + digits).reversed() {
      text[index] = UInt8(48 + rest % 10)
      rest /= 10
    }
  }
  put(year, digits: 4, at: 0)
  put(month, digits: 2, at: 5)
  put(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1, digits: 2, at: 8)
  put(time / 3600, digits: 2, at: 11)
  put(time / 60 % 60, digits: 2, at: 14)
  put(time % 60, digits: 2, at: 17)
  put(fraction, digits: 9, at: 20)
  text[4] = 45
  text[7] = 45
  text[10] = 84
  text[13] = 58
  text[16] = 58
  text[19] = 46
  text[29] = 90
}

/// The inside of a JSON string literal.
///
/// DEL and C1 are legal in JSON, but a terminal obeys them: `forTerminal` escapes them as well.
public func jsonEscaped(_ text: String, forTerminal: Bool = false) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case "\r": result += "\\r"
    case "\t": result += "\\t"
    case _ where scalar.value < 0x20 || forTerminal && (0x7f...0x9f).contains(scalar.value):
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}
