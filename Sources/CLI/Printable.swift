// SPDX-License-Identifier: Apache-2.0
// Text of strangers on a terminal: a program may put escape sequences into its own name.

/// The text with control characters written as `\xNN`, so that none reaches the terminal.
package func printable(_ text: String) -> String {
  // C0, DEL and C1: all that terminals obey.
  let isControl = { (value: UInt32) in value < 0x20 || (0x7f...0x9f).contains(value) }
  guard text.unicodeScalars.contains(where: { isControl($0.value) }) else { return text }
  var out = ""
  for scalar in text.unicodeScalars {
    if isControl(scalar.value) {
      let digits = String(scalar.value, radix: 16)
      out += "\\x" + (digits.utf8.count < 2 ? "0" : "") + digits
    } else {
      out.unicodeScalars.append(scalar)
    }
  }
  return out
}
