// SPDX-License-Identifier: Apache-2.0
// The forms of the page that Prometheus scrapes, and which of them a request gets.

package enum PrometheusFormat: Sendable, CaseIterable {
  /// 0.0.4, which everything understands.
  case text
  /// 1.0.0
  case openMetrics
  /// Delimited messages, the only form with native histograms.
  case protobuf

  /// Type and parameters as an Accept header names them; a parameter that it leaves out matches.
  fileprivate var range: (type: String, parameters: [(String, String)]) {
    switch self {
    case .text: ("text/plain", [("version", "0.0.4"), ("charset", "utf-8")])
    case .openMetrics:
      ("application/openmetrics-text", [("version", "1.0.0"), ("charset", "utf-8")])
    case .protobuf:
      (
        "application/vnd.google.protobuf",
        [("proto", "io.prometheus.client.MetricFamily"), ("encoding", "delimited")]
      )
    }
  }
}

/// What a request's Accept and Accept-Encoding come to.
package struct PrometheusNegotiation: Equatable, Sendable {
  package let format: PrometheusFormat
  package let isGzipped: Bool
  /// How names were escaped, told to those who ask: ours never need it, so that dots and values,
  /// which would double our underscores, are answered with underscores.
  private let escaping: String?

  /// What neither header says or nobody can read gets plain text 0.0.4, as Prometheus' rules have
  /// it, also where text is refused: a page is more use than none.
  package init(accept: String?, acceptEncoding: String?) {
    var best: (format: PrometheusFormat, clause: AcceptClause)?
    let clauses = AcceptClause.list(accept ?? "")
    for format in PrometheusFormat.allCases {
      guard let clause = AcceptClause.closest(to: format.range, in: clauses), clause.quality > 0
      else { continue }
      if let found = best, !clause.isPreferred(to: found.clause) { continue }
      best = (format, clause)
    }
    format = best?.format ?? .text
    escaping = best?.clause.parameters.last { $0.0 == "escaping" }.map {
      $0.1 == "allow-utf-8" ? "allow-utf-8" : "underscores"
    }
    let encodings = AcceptClause.list(acceptEncoding ?? "")
    let gzip =
      encodings.first { $0.type == "gzip" || $0.type == "x-gzip" }
      ?? encodings.first { $0.type == "*" }
    let identity = encodings.first { $0.type == "identity" }?.quality ?? 0
    isGzipped = gzip.map { $0.quality > 0 && $0.quality >= identity } ?? false
  }

  package var contentType: String {
    let (type, parameters) = format.range
    let text = parameters.reduce(type) { $0 + "; \($1.0)=\($1.1)" }
    return escaping.map { "\(text); escaping=\($0)" } ?? text
  }
}

/// One member of an Accept header: `text/plain;version=0.0.4;q=0.5`.
private struct AcceptClause {
  /// In lower case; also an encoding of Accept-Encoding.
  let type: String
  let parameters: [(String, String)]
  /// In thousandths.
  let quality: Int
  private let position: Int

  /// More members than anybody sends are not read.
  private static let membersMax = 32

  static func list(_ header: String) -> [AcceptClause] {
    header.split(separator: ",").prefix(membersMax).enumerated().compactMap {
      AcceptClause($0.element, $0.offset)
    }
  }

  /// nil when the member cannot be read.
  private init?(_ text: Substring, _ position: Int) {
    let parts = text.split(separator: ";", omittingEmptySubsequences: false).map(stripped)
    guard let type = parts.first, !type.isEmpty else { return nil }
    var parameters: [(String, String)] = []
    var quality = 1000
    for part in parts.dropFirst() where !part.isEmpty {
      guard let equals = part.firstIndex(of: "=") else { return nil }
      let key = stripped(part[..<equals]).lowercased()
      var value = stripped(part[part.index(after: equals)...])
      if value.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") {
        value = value.dropFirst().dropLast()
      }
      if key == "q" {
        guard let number = thousandths(value) else { return nil }
        quality = number
      } else {
        parameters.append((key, String(value)))
      }
    }
    self.type = type.lowercased()
    self.parameters = parameters
    self.quality = quality
    self.position = position
  }

  /// The clause that says most about a form; of equals the first.
  static func closest(
    to range: (type: String, parameters: [(String, String)]), in clauses: [AcceptClause]
  ) -> AcceptClause? {
    var found: AcceptClause?
    for clause in clauses where clause.matches(range) {
      if let best = found, clause.specificity <= best.specificity { continue }
      found = clause
    }
    return found
  }

  private func matches(_ range: (type: String, parameters: [(String, String)])) -> Bool {
    guard type == range.type || type == "*/*" || type == "\(range.type.prefix { $0 != "/" })/*"
    else { return false }
    return parameters.allSatisfy { key, value in
      range.parameters.first { $0.0 == key }.map { $0.1.lowercased() == value.lowercased() } ?? true
    }
  }

  private var specificity: Int {
    type == "*/*" ? 0 : type.hasSuffix("/*") ? 1 : 2 + parameters.count
  }

  /// By quality, then what is named over what a wildcard takes in, then as they were written.
  func isPreferred(to other: AcceptClause) -> Bool {
    if quality != other.quality { return quality > other.quality }
    if min(specificity, 2) != min(other.specificity, 2) { return specificity > other.specificity }
    return position < other.position
  }
}

private func stripped(_ text: Substring) -> Substring {
  let isBlank = { (character: Character) in character == " " || character == "\t" }
  var rest = text.drop(while: isBlank)
  while let last = rest.last, isBlank(last) { rest.removeLast() }
  return rest
}

/// `0.25` is 250; nil for what is no quality.
private func thousandths(_ text: Substring) -> Int? {
  let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
  guard let whole = parts.first, whole == "0" || whole == "1" else { return nil }
  let digits = parts.count > 1 ? parts[1] : ""
  guard digits.utf8.count <= 3, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
    return nil
  }
  let padded = digits + String(repeating: "0", count: 3 - digits.utf8.count)
  let value = (whole == "1" ? 1000 : 0) + (Int(padded) ?? 0)
  return value <= 1000 ? value : nil
}
