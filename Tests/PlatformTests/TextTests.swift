// SPDX-License-Identifier: Apache-2.0
// Dates against instants that `date -u -d @N` names, and the inside of JSON strings.

import Platform
import Testing

@Suite("dates and JSON text")
struct TextTests {
  static let instants: [(seconds: UInt64, fraction: UInt64, text: String)] = [
    (0, 0, "1970-01-01T00:00:00.000000000Z"),
    (0, 1, "1970-01-01T00:00:00.000000001Z"),
    (68_169_599, 999_999_999, "1972-02-28T23:59:59.999999999Z"),
    (68_169_600, 0, "1972-02-29T00:00:00.000000000Z"),
    (946_684_799, 999_999_999, "1999-12-31T23:59:59.999999999Z"),
    (946_684_800, 0, "2000-01-01T00:00:00.000000000Z"),
    (951_782_400, 0, "2000-02-29T00:00:00.000000000Z"),
    (951_868_800, 0, "2000-03-01T00:00:00.000000000Z"),
    (1_000_000_000, 120_000_000, "2001-09-09T01:46:40.120000000Z"),
    (1_704_067_199, 1_000, "2023-12-31T23:59:59.000001000Z"),
    (1_709_164_800, 0, "2024-02-29T00:00:00.000000000Z"),
    (1_735_603_200, 0, "2024-12-31T00:00:00.000000000Z"),
    (2_147_483_648, 0, "2038-01-19T03:14:08.000000000Z"),
    (4_107_542_399, 0, "2100-02-28T23:59:59.000000000Z"),
    (4_107_542_400, 0, "2100-03-01T00:00:00.000000000Z"),
    (4_133_980_800, 0, "2101-01-01T00:00:00.000000000Z"),
    (13_574_563_200, 0, "2400-02-29T00:00:00.000000000Z"),
    (18_446_744_073, 709_551_615, "2554-07-21T23:34:33.709551615Z"),
  ]

  @Test("known instants have their known dates", arguments: instants)
  func known(seconds: UInt64, fraction: UInt64, text: String) {
    let nanoseconds = seconds * 1_000_000_000 + fraction
    #expect(iso8601(unixNanoseconds: nanoseconds) == text)
    // The buffer's old content must not show through.
    var bytes = InlineArray<30, UInt8>(repeating: 0xff)
    writeISO8601(unixNanoseconds: nanoseconds, into: &bytes)
    #expect(bytes.indices.map { bytes[$0] } == Array(text.utf8))
  }

  @Test("every day from 1970 to 2110 follows the one before")
  func days() {
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    var (year, month, day) = (1970, 1, 1)
    var mismatches = 0
    for number in 0..<51_134 as Range<UInt64> {
      func padded(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
      let expected = "\(year)-\(padded(month))-\(padded(day))T12:34:56.000000007Z"
      let instant = (number * 86_400 + 45_296) * 1_000_000_000 + 7
      if iso8601(unixNanoseconds: instant) != expected { mismatches += 1 }
      let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      day += 1
      if day > lengths[month - 1] + (month == 2 && isLeap ? 1 : 0) { (month, day) = (month + 1, 1) }
      if month > 12 { (year, month) = (year + 1, 1) }
    }
    #expect(mismatches == 0)
    #expect((year, month, day) == (2110, 1, 1))
  }

  static let strings: [(text: String, escaped: String)] = [
    ("", ""), ("plain", "plain"), ("say \"so\"", "say \\\"so\\\""), ("a\\b", "a\\\\b"),
    ("\n\r\t", "\\n\\r\\t"), ("\r\n", "\\r\\n"), ("\u{0}\u{1}\u{1f}", "\\u0000\\u0001\\u001f"),
    ("\u{7f} \u{20}é€😀", "\u{7f} \u{20}é€😀"), ("/", "/"),
  ]

  @Test("what JSON forbids in a string is escaped, and nothing else", arguments: strings)
  func json(text: String, escaped: String) {
    #expect(jsonEscaped(text) == escaped)
  }

  @Test("errnos and signals are named by their constants, or by number")
  func names() {
    #expect(errnoName(2) == "ENOENT")
    #expect(errnoName(100_000) == "100000")
    #expect(signalName(15) == "SIGTERM")
    #expect(signalName(9) == "SIGKILL")
    #expect(signalName(64) == "64")
    #expect(
      SystemError("open", code: 13).description == "open: Permission denied (EACCES)")
  }
}
