// SPDX-License-Identifier: Apache-2.0
// What must stand in the files that options name. Only who uses them can tell whether they fit
// each other; that they are no PEM, or empty, can be told without a library.

enum FileContents {
  case certificates(byteMax: Int)
  case key(byteMax: Int)
  case token

  init(_ key: OptionKey) {
    // What the server and the client, which read them, have room for.
    let byteMax = key.rawValue.hasPrefix("http.") ? 64 << 10 : 1 << 20
    self =
      key == .httpTokenFile
      ? .token
      : key.rawValue.hasSuffix("key") ? .key(byteMax: byteMax) : .certificates(byteMax: byteMax)
  }

  var byteMax: Int {
    switch self {
    case .certificates(let byteMax), .key(let byteMax): byteMax
    case .token: 4096
    }
  }

  /// To follow "give".
  var name: String {
    switch self {
    case .certificates: "a PEM file with -----BEGIN CERTIFICATE-----"
    case .key: "a PEM file with -----BEGIN PRIVATE KEY-----"
    case .token: "one with a token of letters, digits and signs"
    }
  }

  /// What is wrong, to follow the name of the file; nil when nothing is.
  func fault(_ bytes: [UInt8]) -> String? {
    switch self {
    case .certificates:
      let kinds = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"]
      return blocks(bytes).contains(where: kinds.contains) ? nil : "holds no certificate in PEM"
    case .key:
      return blocks(bytes).contains { $0.hasSuffix("PRIVATE KEY") }
        ? nil : "holds no private key in PEM"
    case .token:
      var token = bytes[...]
      while let end = token.last, end <= UInt8(ascii: " ") { token.removeLast() }
      if token.isEmpty { return "is empty" }
      return token.allSatisfy { (0x21...0x7e).contains($0) } ? nil : "holds more than a token"
    }
  }

  /// The labels of what begins and ends.
  private func blocks(_ bytes: [UInt8]) -> [String] {
    var begun: String?
    var found: [String] = []
    for line in bytes.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == 0x0d })
    where line.starts(with: "-----".utf8) {
      let text = String(decoding: line, as: UTF8.self).trimmingDashes
      if text.hasPrefix("BEGIN ") {
        begun = String(text.dropFirst("BEGIN ".count))
      } else if text.hasPrefix("END "), let label = begun, text.dropFirst("END ".count) == label {
        found.append(label)
        begun = nil
      }
    }
    return found
  }
}

extension String {
  fileprivate var trimmingDashes: Substring {
    var text = self[...]
    while text.hasPrefix("-") { text.removeFirst() }
    while let last = text.last, last == "-" || last == " " { text.removeLast() }
    return text
  }
}
