// SPDX-License-Identifier: Apache-2.0
// Which names secrets have, and the bytes that arguments are made of.

/// Whether a name, in any case and with any dashes, is one that secrets have.
func isSecretName(_ text: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Bool {
  guard unsafe mayNameSecret(text, start, end) else { return false }
  var index = start
  while index < end {
    switch unsafe text[index] | 0x20 {
    case UInt8(ascii: "p"):
      if unsafe matches(text, index, end, "password") || matches(text, index, end, "passwd")
        || matches(text, index, end, "passphrase") || matches(text, index, end, "passcode")
      {
        return true
      }
      // "pass" and "pwd" as whole words: --db-pass, but not --passive.
      if unsafe isWord(text, index, end, "pass") || isWord(text, index, end, "pwd") { return true }
    case UInt8(ascii: "s"):
      if unsafe matches(text, index, end, "secret") { return true }
      // Of signed URLs: X-Amz-Signature, sig; not --sign.
      if unsafe endsName(text, index, end, "signature") || endsWord(text, index, end, "sig") {
        return true
      }
    case UInt8(ascii: "c"):
      if unsafe matches(text, index, end, "credential") || endsName(text, index, end, "cookie") {
        return true
      }
    case UInt8(ascii: "a"):
      if unsafe matches(text, index, end, "authorization") || endsWord(text, index, end, "auth") {
        return true
      }
    case UInt8(ascii: "t"):
      // --max-tokens, --tokenizer and MAX_TOKENS are no secrets; tokenValue is.
      if unsafe matches(text, index, end, "token"),
        unsafe index + 5 == end || !isLetter(text[index + 5])
          || isUpper(text[index + 5]) && !isUpper(text[index + 4])
      {
        return true
      }
    case UInt8(ascii: "k"):
      // At the end only: --api-key and --sshkey, but not --key-file.
      if unsafe endsName(text, index, end, "key") || endsName(text, index, end, "keys") {
        return true
      }
    default: break
    }
    index += 1
  }
  return false
}

/// Whether all letters occur that some secret's name needs: most names are done after one look.
private func mayNameSecret(_ text: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Bool {
  var letters: UInt32 = 0
  // Both cases of a letter share the low five bits.
  for index in start..<end { letters |= 1 << UInt32(unsafe text[index] & 31) }
  func has(_ word: UInt32) -> Bool { letters & word == word }
  let (a, c, d, e, k, n) = (bit("a"), bit("c"), bit("d"), bit("e"), bit("k"), bit("n"))
  let (o, p, r, s, t, w, y) = (bit("o"), bit("p"), bit("r"), bit("s"), bit("t"), bit("w"), bit("y"))
  let (g, h, i, u) = (bit("g"), bit("h"), bit("i"), bit("u"))
  // pass, passwd …; pwd; secret; credential; authorization; token; key; cookie; auth; sig.
  return has(p | a | s) || has(p | w | d) || has(s | e | c | r | t) || has(c | r | e | d | n | t)
    || has(a | t | o | r | n) || has(t | o | k | e | n) || has(k | e | y)
    || has(c | o | k | i | e) || has(a | u | t | h) || has(s | i | g)
}

@inline(__always)
private func bit(_ letter: Unicode.Scalar) -> UInt32 { 1 << (letter.value & 31) }

/// Whether the name ends with `word`, which begins at `start`.
private func endsName(
  _ text: UnsafeRawBufferPointer, _ start: Int, _ end: Int, _ word: StaticString
) -> Bool {
  unsafe start + word.utf8CodeUnitCount == end && matches(text, start, end, word)
}

/// The same of a word by itself: proxy-auth, but not oauth.
private func endsWord(
  _ text: UnsafeRawBufferPointer, _ start: Int, _ end: Int, _ word: StaticString
) -> Bool {
  unsafe endsName(text, start, end, word) && isWord(text, start, end, word)
}

func isWord(
  _ text: UnsafeRawBufferPointer, _ start: Int, _ end: Int, _ word: StaticString
) -> Bool {
  guard unsafe matches(text, start, end, word) else { return false }
  let after = start + word.utf8CodeUnitCount
  return unsafe (start == 0 || !isLetter(text[start - 1]))
    && (after == end || !isLetter(text[after]))
}

/// Whether `word`, in lower case, stands at `start`, whatever the case there.
func matches(
  _ text: UnsafeRawBufferPointer, _ start: Int, _ end: Int, _ word: StaticString
) -> Bool {
  let count = word.utf8CodeUnitCount
  guard start >= 0, start + count <= end else { return false }
  for offset in 0..<count
  where unsafe text[start + offset] | 0x20 != word.utf8Start[offset] | 0x20 {
    return false
  }
  return true
}

func matches(_ text: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
  unsafe text.count == word.utf8CodeUnitCount && matches(text, 0, text.count, word)
}

func endsWith(_ text: UnsafeRawBufferPointer, _ end: Int, _ word: StaticString) -> Bool {
  unsafe matches(text, end - word.utf8CodeUnitCount, end, word)
}

func isNameByte(_ byte: UInt8) -> Bool {
  isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    || byte == UInt8(ascii: ".")
}

func isSeparator(_ byte: UInt8) -> Bool {
  byte == UInt8(ascii: "=") || byte == UInt8(ascii: ":") || byte == UInt8(ascii: " ")
}

func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte | 0x20) }

func isUpper(_ byte: UInt8) -> Bool { (65...90).contains(byte) }

func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

func isQuoteOrSpace(_ byte: UInt8) -> Bool {
  byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: " ")
}

/// What ends an unquoted value in the middle of an argument: a query, a script, a JSON text.
func endsValue(_ byte: UInt8) -> Bool {
  byte <= 32 || byte == UInt8(ascii: "&") || byte == UInt8(ascii: ";")
    || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "}")
}
