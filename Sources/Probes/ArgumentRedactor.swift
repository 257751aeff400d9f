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
      // An option where a value was expected: the one before is a flag, this one's value is next.
      if unsafe argument.first == UInt8(ascii: "-") { unsafe expect(after: argument) }
      appendMask()
      return unsafe masked
    case .userAndPassword:
      if unsafe maskPassword(of: argument, from: 0) { return unsafe masked }
    case .nothing: break
    }
    guard unsafe mayHoldSecret(argument) else { return unsafe argument }
    if unsafe argument.first == UInt8(ascii: "-") {
      unsafe expect(after: argument)
      if let start = unsafe attachedUser(argument), unsafe maskPassword(of: argument, from: start) {
        return unsafe masked
      }
    }
    return unsafe scan(argument) ? masked : argument
  }

  private var masked: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(rebasing: room[..<used])
  }

  /// Most arguments have neither a separator nor a leading dash, and are done here.
  private func mayHoldSecret(_ text: UnsafeRawBufferPointer) -> Bool {
    if unsafe text.first == UInt8(ascii: "-") { return true }
    return unsafe text.contains(where: isSeparator)
  }

  /// An option without a value of its own announces one.
  private mutating func expect(after option: UnsafeRawBufferPointer) {
    guard unsafe option.allSatisfy(isNameByte) else { return }
    if unsafe isSecretName(option, 0, option.count) {
      expectation = .secret
    } else if unsafe namesUser(option, 0, option.count) {
      expectation = .userAndPassword
    }
  }

  /// Where the user starts in `-uuser:password` and `--user=user:password`.
  private func attachedUser(_ option: UnsafeRawBufferPointer) -> Int? {
    if unsafe matches(option, 0, option.count, "--user=") { return 7 }
    if unsafe matches(option, 0, option.count, "--proxy-user=") { return 13 }
    guard unsafe matches(option, 0, option.count, "-u"),
      let colon = unsafe option.firstIndex(of: UInt8(ascii: ":"))
    else { return nil }
    // Not `-url=http://host`.
    return unsafe option[..<colon].contains(UInt8(ascii: "=")) || isSchemeEnd(option, colon)
      ? nil : 2
  }

  /// Hides what follows the first colon; a group's number is no password.
  private mutating func maskPassword(of text: UnsafeRawBufferPointer, from start: Int) -> Bool {
    guard let colon = unsafe text[start...].firstIndex(of: UInt8(ascii: ":")),
      unsafe !text[(colon + 1)...].allSatisfy(isDigit)
    else { return false }
    unsafe append(text, 0, colon + 1)
    appendMask()
    return true
  }

  /// Copies the argument with its secrets masked; false when it has none.
  private mutating func scan(_ text: UnsafeRawBufferPointer) -> Bool {
    var copied = 0
    var index = 0
    while index < text.count {
      let byte = unsafe text[index]
      guard isSeparator(byte) else {
        index += 1
        continue
      }
      let secret: Range<Int>? =
        if byte == UInt8(ascii: " ") {
          unsafe optionValue(text, space: index)
        } else if unsafe isSchemeEnd(text, index) {
          unsafe credentials(text, afterScheme: index)
        } else {
          unsafe value(text, separator: index)
        }
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
    // "Authorization: Bearer abc": the scheme's word is not the secret, what follows it is.
    return unsafe extent(
      text, from: first,
      isHeader: endsWith(text, end, "authorization") || endsWith(text, end, "cookie"))
  }

  /// The value behind an option inside a script: `sh -c "mysql --password hunter2"`.
  private func optionValue(_ text: UnsafeRawBufferPointer, space: Int) -> Range<Int>? {
    var start = space
    while start > 0, unsafe isNameByte(text[start - 1]) { start -= 1 }
    guard start < space, unsafe text[start] == UInt8(ascii: "-") else { return nil }
    let isSecret = unsafe isSecretName(text, start, space)
    guard unsafe isSecret || namesUser(text, start, space) else { return nil }
    var first = space + 1
    while first < text.count, unsafe text[first] == UInt8(ascii: " ") { first += 1 }
    guard let value = unsafe extent(text, from: first, isHeader: false) else { return nil }
    if isSecret { return value }
    guard let colon = unsafe text[value].firstIndex(of: UInt8(ascii: ":")),
      unsafe !text[(colon + 1)..<value.upperBound].allSatisfy(isDigit)
    else { return nil }
    return (colon + 1)..<value.upperBound
  }

  /// Options whose value is `user:password`.
  private func namesUser(_ text: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Bool {
    let option = unsafe UnsafeRawBufferPointer(rebasing: text[start..<end])
    return unsafe matches(option, "-u") || matches(option, "--user")
      || matches(option, "--proxy-user")
  }

  /// How far the value reaches that starts at `first`, in the middle of an argument.
  private func extent(
    _ text: UnsafeRawBufferPointer, from first: Int, isHeader: Bool
  ) -> Range<Int>? {
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
