// SPDX-License-Identifier: Apache-2.0
// Hides secrets in arguments: values of password, token, secret and key options, and credentials
// in URLs. It works on bytes, into a buffer of its own, and allocates nothing per argument.

/// Decides argument by argument what may be shown.
///
/// Owned by the thread that reads the ring.
///
/// By name, so a secret behind a name that says nothing (`-p hunter2`) is not found, and in doubt
/// it hides too much rather than too little.
@safe
struct ArgumentRedactor: ~Copyable {
  /// What stands for a secret.
  private static let mask: StaticString = "*****"

  /// What the argument before says about the next one.
  private enum Expectation {
    case nothing, secret, userAndPassword
  }

  private let room: UnsafeMutableRawBufferPointer
  private var used = 0
  private var expectation = Expectation.nothing

  /// `argumentMax` is the longest argument that will be asked about.
  ///
  /// A mask is longer than the shortest secret by four bytes, and the name and the separator of one
  /// take two bytes at least, so three times the length is always enough.
  init(argumentMax: Int) {
    unsafe room = .allocate(byteCount: 3 * argumentMax + 16, alignment: 16)
  }

  deinit { unsafe room.deallocate() }

  /// Before the first argument of a command.
  mutating func begin() { expectation = .nothing }

  /// The argument itself when there is nothing to hide, else a masked copy that lives until the
  /// next call.
  mutating func visible(_ argument: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let expected = expectation
    expectation = .nothing
    used = 0
    switch expected {
    case .secret:
      appendMask()
      return unsafe masked
    case .userAndPassword:
      if let colon = unsafe argument.firstIndex(of: UInt8(ascii: ":")),
        unsafe !argument[(colon + 1)...].allSatisfy(isDigit)
      {
        unsafe append(argument, 0, colon + 1)
        appendMask()
        return unsafe masked
      }
    case .nothing: break
    }
    guard unsafe mayHoldSecret(argument) else { return unsafe argument }
    if unsafe argument.first == UInt8(ascii: "-") { unsafe expect(after: argument) }
    return unsafe scan(argument) ? masked : argument
  }

  private var masked: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(rebasing: room[..<used])
  }

  /// Most arguments have neither a separator nor a leading dash, and are done here.
  private func mayHoldSecret(_ text: UnsafeRawBufferPointer) -> Bool {
    if unsafe text.first == UInt8(ascii: "-") { return true }
    return unsafe text.contains { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ":") }
  }

  /// An option without a value of its own announces one.
  private mutating func expect(after option: UnsafeRawBufferPointer) {
    guard unsafe option.allSatisfy(isNameByte) else { return }
    if unsafe isSecretName(option, 0, option.count) {
      expectation = .secret
    } else if unsafe matches(option, "-u") || matches(option, "--user")
      || matches(option, "--proxy-user")
    {
      expectation = .userAndPassword
    }
  }

  /// Copies the argument with its secrets masked; false when it has none.
  private mutating func scan(_ text: UnsafeRawBufferPointer) -> Bool {
    var copied = 0
    var index = 0
    while index < text.count {
      let byte = unsafe text[index]
      guard byte == UInt8(ascii: "=") || byte == UInt8(ascii: ":") else {
        index += 1
        continue
      }
      let secret: Range<Int>? =
        unsafe isSchemeEnd(text, index)
        ? credentials(text, afterScheme: index) : value(text, separator: index)
      guard let secret, !secret.isEmpty else {
        index += 1
        continue
      }
      unsafe append(text, copied, secret.lowerBound)
      appendMask()
      copied = secret.upperBound
      index = secret.upperBound
    }
    guard copied > 0 else { return false }
    unsafe append(text, copied, text.count)
    return true
  }

  private func isSchemeEnd(_ text: UnsafeRawBufferPointer, _ colon: Int) -> Bool {
    unsafe text[colon] == UInt8(ascii: ":") && colon + 2 < text.count
      && text[colon + 1] == UInt8(ascii: "/") && text[colon + 2] == UInt8(ascii: "/")
  }

  /// The password of `scheme://user:password@host`, or the token of `https://token@host`.
  private func credentials(_ text: UnsafeRawBufferPointer, afterScheme colon: Int) -> Range<Int>? {
    let start = colon + 3
    var at: Int?
    var firstColon: Int?
    var index = start
    scan: while index < text.count {
      switch unsafe text[index] {
      case UInt8(ascii: "@"): at = index
      case UInt8(ascii: ":") where firstColon == nil: firstColon = index
      case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\""),
        UInt8(ascii: "'"), 0...32:
        break scan
      default: break
      }
      index += 1
    }
    guard let at else { return nil }
    if let firstColon, firstColon < at { return (firstColon + 1)..<at }
    let isWeb = unsafe colon >= 4 && endsWith(text, colon, "http") || endsWith(text, colon, "https")
    return isWeb ? start..<at : nil
  }

  /// The value behind `name=`, `name: ` or `"name": "`, when the name is one of a secret.
  private func value(_ text: UnsafeRawBufferPointer, separator: Int) -> Range<Int>? {
    var end = separator
    while end > 0, unsafe isQuoteOrSpace(text[end - 1]) { end -= 1 }
    var start = end
    while start > 0, unsafe isNameByte(text[start - 1]) { start -= 1 }
    guard start < end, unsafe isSecretName(text, start, end) else { return nil }
    var first = separator + 1
    while first < text.count, unsafe text[first] == UInt8(ascii: " ") { first += 1 }
    // A name that the argument begins with owns all the rest of it.
    if start == 0 { return first..<text.count }
    guard first < text.count else { return nil }
    let quote = unsafe text[first]
    if quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
      var last = first + 1
      while last < text.count, unsafe text[last] != quote {
        if unsafe text[last] == UInt8(ascii: "\\") { last += 1 }
        last += 1
      }
      return (first + 1)..<min(last, text.count)
    }
    // "Authorization: Bearer abc": the scheme's word is not the secret, what follows it is.
    let isHeader = unsafe endsWith(text, end, "authorization")
    var last = first
    while last < text.count, unsafe isHeader ? text[last] >= 32 : !endsValue(text[last]) {
      last += 1
    }
    return first..<last
  }

  private mutating func append(_ text: UnsafeRawBufferPointer, _ start: Int, _ end: Int) {
    guard start < end, unsafe used + end - start <= room.count else { return }
    unsafe UnsafeMutableRawBufferPointer(rebasing: room[used...]).copyMemory(
      from: UnsafeRawBufferPointer(rebasing: text[start..<end]))
    used += end - start
  }

  private mutating func appendMask() {
    let mask = ArgumentRedactor.mask
    unsafe append(
      UnsafeRawBufferPointer(start: mask.utf8Start, count: mask.utf8CodeUnitCount), 0,
      mask.utf8CodeUnitCount)
  }
}

// MARK: Names

/// Whether a name, in any case and with any dashes, is one that secrets have.
private func isSecretName(_ text: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Bool {
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
    case UInt8(ascii: "s"): if unsafe matches(text, index, end, "secret") { return true }
    case UInt8(ascii: "c"): if unsafe matches(text, index, end, "credential") { return true }
    case UInt8(ascii: "a"): if unsafe matches(text, index, end, "authorization") { return true }
    case UInt8(ascii: "t"):
      // --max-tokens and --tokenizer are no secrets.
      if unsafe matches(text, index, end, "token"),
        unsafe index + 5 == end || !isLetter(text[index + 5]) || isUpper(text[index + 5])
      {
        return true
      }
    case UInt8(ascii: "k"):
      // At the end only: --api-key and --sshkey, but not --key-file.
      if unsafe index + 3 == end && matches(text, index, end, "key") { return true }
      if unsafe index + 4 == end && matches(text, index, end, "keys") { return true }
    default: break
    }
    index += 1
  }
  return false
}

private func isWord(
  _ text: UnsafeRawBufferPointer, _ start: Int, _ end: Int, _ word: StaticString
) -> Bool {
  guard unsafe matches(text, start, end, word) else { return false }
  let after = start + word.utf8CodeUnitCount
  return unsafe (start == 0 || !isLetter(text[start - 1]))
    && (after == end || !isLetter(text[after]))
}

/// Whether `word`, in lower case, stands at `start`, whatever the case there.
private func matches(
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

private func matches(_ text: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
  unsafe text.count == word.utf8CodeUnitCount && matches(text, 0, text.count, word)
}

private func endsWith(_ text: UnsafeRawBufferPointer, _ end: Int, _ word: StaticString) -> Bool {
  unsafe matches(text, end - word.utf8CodeUnitCount, end, word)
}

private func isNameByte(_ byte: UInt8) -> Bool {
  isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    || byte == UInt8(ascii: ".")
}

private func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte | 0x20) }

private func isUpper(_ byte: UInt8) -> Bool { (65...90).contains(byte) }

private func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

private func isQuoteOrSpace(_ byte: UInt8) -> Bool {
  byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: " ")
}

/// What ends an unquoted value in the middle of an argument: a query, a script, a JSON text.
private func endsValue(_ byte: UInt8) -> Bool {
  byte <= 32 || byte == UInt8(ascii: "&") || byte == UInt8(ascii: ";")
    || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "}")
}
