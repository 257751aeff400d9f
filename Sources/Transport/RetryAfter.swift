// SPDX-License-Identifier: Apache-2.0
// The Retry-After header: seconds, or the date from which to try again.

/// How long the header asks to wait; nil when it says neither a number nor a date.
func retryDelayNanoseconds(retryAfter text: String, unixSeconds now: Int64) -> UInt64? {
  if !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) {
    guard let seconds = UInt64(text) else { return .max }
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max : product
  }
  guard let date = unixSeconds(httpDate: text, now: now) else { return nil }
  // The year has four digits, so the difference in nanoseconds may still not fit.
  let (product, overflow) = UInt64(max(0, date - now)).multipliedReportingOverflow(
    by: 1_000_000_000)
  return overflow ? .max : product
}

/// A date in any of the three forms that HTTP knows: `Sun, 06 Nov 1994 08:49:37 GMT`, and the
/// obsolete ones of RFC 850 and asctime, `Sunday, 06-Nov-94 08:49:37 GMT` and
/// `Sun Nov  6 08:49:37 1994`.
func unixSeconds(httpDate text: String, now: Int64) -> Int64? {
  let parts = text.split(separator: " ", omittingEmptySubsequences: false)
  switch parts.count {
  case 6 where parts[0].utf8.count == 4 && parts[0].hasSuffix(",") && parts[5] == "GMT":
    return unixSeconds(day: parts[1], parts[2], year: digits(parts[3], 4), parts[4])
  case 4 where parts[0].hasSuffix("day,") && parts[3] == "GMT":
    let date = parts[1].split(separator: "-", omittingEmptySubsequences: false)
    guard date.count == 3, let year = digits(date[2], 2) else { return nil }
    // Of the years that end so the last that is not more than 50 years ahead.
    let latest = now + 50 * 31_556_952
    return [1900, 2000, 2100].compactMap {
      unixSeconds(day: date[0], date[1], year: $0 + year, parts[2])
    }.last { $0 <= latest }
  case 5 where parts[0].utf8.count == 3:
    return unixSeconds(day: parts[2], parts[1], year: digits(parts[4], 4), parts[3])
  case 6 where parts[0].utf8.count == 3 && parts[2].isEmpty:
    return unixSeconds(day: "0" + parts[3], parts[1], year: digits(parts[5], 4), parts[4])
  default: return nil
  }
}

private func unixSeconds(
  day: Substring, _ month: Substring, year: Int64?, _ time: Substring
) -> Int64? {
  let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]
  guard let day = digits(day, 2), (1...31).contains(day),
    let month = months.firstIndex(of: String(month)), let year
  else { return nil }
  let clock = time.split(separator: ":", omittingEmptySubsequences: false)
  guard clock.count == 3, let hour = digits(clock[0], 2), hour < 24,
    let minute = digits(clock[1], 2), minute < 60, let second = digits(clock[2], 2), second <= 60
  else { return nil }
  return days(year: year, month: Int64(month) + 1, day: day) * 86_400 + hour * 3_600 + minute * 60
    + second
}

private func digits(_ text: Substring, _ count: Int) -> Int64? {
  guard text.utf8.count == count, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
    return nil
  }
  return Int64(text)
}

/// Days since 1970-01-01 in the Gregorian calendar: years begin in March, eras have 400 of them.
private func days(year: Int64, month: Int64, day: Int64) -> Int64 {
  let marchYear = month <= 2 ? year - 1 : year
  let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
  let yearOfEra = marchYear - era * 400
  let monthFromMarch = (month + 9) % 12
  let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
  let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}
