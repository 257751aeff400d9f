// SPDX-License-Identifier: Apache-2.0
// What of our requests must not be in a message, even when the other side repeats it.

/// Texts that are hidden in whatever a receiver or a proxy answers: a debug page may show the
/// request's headers, an error the key that it did not like.
struct Secrets {
  private static let mask = "***"
  /// What is shorter hides too much of a message and too little of a secret.
  private static let byteCountMin = 6

  /// The longest first, as one may be a part of another.
  private let texts: [String]

  init(headers: [(name: String, value: String)], proxy: Proxy) {
    var texts: [String] = []
    for (_, value) in headers {
      texts.append(value)
      // The scheme's word before a token is none of it.
      if let word = value.split(separator: " ").last { texts.append(String(word)) }
    }
    for url in Secrets.urls(of: proxy) { texts += Secrets.credentials(inURL: url) }
    self.texts = texts.filter { $0.utf8.count >= Secrets.byteCountMin }
      .sorted { $0.utf8.count > $1.utf8.count }
  }

  func hidden(in text: String) -> String {
    texts.reduce(text) { $0.replacing($1, with: Secrets.mask) }
  }

  func hidden(in outcome: ExportOutcome) -> ExportOutcome {
    func hidden(_ failure: ExportFailure) -> ExportFailure {
      ExportFailure(reason: failure.reason, message: self.hidden(in: failure.message))
    }
    return switch outcome {
    case .delivered(let rejected, let message):
      .delivered(rejected: rejected, message: self.hidden(in: message))
    case .retry(let delay, let failure): .retry(afterNanoseconds: delay, hidden(failure))
    case .refused(let failure): .refused(hidden(failure))
    }
  }

  /// Those that libcurl reads.
  private static let variables = [
    "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
  ]

  private static func urls(of proxy: Proxy) -> [String] {
    switch proxy {
    case .none: []
    case .url(let url): [url]
    case .environment: variables.compactMap(environmentVariable)
    }
  }

  /// The password of `http://user:password@host`, as it stands there, as it is meant, and as the
  /// proxy is sent it.
  private static func credentials(inURL url: String) -> [String] {
    let rest = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
    guard let at = rest.prefix(while: { $0 != "/" }).lastIndex(of: "@") else { return [] }
    let user = String(rest[..<at])
    let meant = GRPC.percentDecoded(user)
    var texts = [base64(Array(meant.utf8))]
    for text in [user, meant] {
      if let colon = text.firstIndex(of: ":") {
        texts.append(String(text[text.index(after: colon)...]))
      }
    }
    return texts
  }
}

/// As HTTP's Basic scheme has it, but for the padding at its end.
private func base64(_ bytes: [UInt8]) -> String {
  let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var text: [UInt8] = []
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let group = bytes[start..<min(start + 3, bytes.count)]
    let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
    for place in 0...group.count { text.append(letters[bits >> (18 - 6 * place) & 63]) }
  }
  return String(decoding: text, as: UTF8.self)
}
