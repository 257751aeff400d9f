// SPDX-License-Identifier: Apache-2.0
// Fixed-width text, as printf's %-16s and %3d make it; wider text is never cut.

package func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }

package func left(_ text: String, _ width: Int) -> String {
  text + spaces(width - text.unicodeScalars.count)
}

package func right(_ text: String, _ width: Int) -> String {
  spaces(width - text.unicodeScalars.count) + text
}

/// A number of thousandths with three decimals.
package func decimal(thousandths: UInt64) -> String {
  let fraction = String(thousandths % 1000)
  return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
}

/// What is not known is no number and no empty column.
func orDash(_ number: (some BinaryInteger)?) -> String { number.map { "\($0)" } ?? "-" }
func orDash(_ text: String) -> String { text.isEmpty ? "-" : text }
