// SPDX-License-Identifier: Apache-2.0
// `apus config print`: the effective configuration as YAML, each line with its source.

extension Settings {
  /// Secrets are printed as `***`: header values, and what came from `${…}`.
  package func printed() -> String {
    var out = ""
    var open: [Substring] = []
    for (row, entry) in effective {
      let path = row.key.rawValue.split(separator: ".")
      let sections = path.dropLast()
      var shared = 0
      while shared < min(open.count, sections.count), open[shared] == sections[shared] {
        shared += 1
      }
      for depth in shared..<sections.count { out += indent(depth) + "\(sections[depth]):\n" }
      open = Array(sections)
      let name = path.last ?? ""
      if let entry {
        out += indent(sections.count) + "\(name): \(entry.printed(row))  # \(entry.origin)\n"
      } else {
        out += indent(sections.count) + "# \(name): not set\n"
      }
    }
    return out
  }

  private func indent(_ depth: Int) -> String { String(repeating: "  ", count: depth) }
}

extension Entry {
  /// The value as YAML, with secrets hidden.
  fileprivate func printed(_ row: OptionRow) -> String {
    if isHidden { return "\"***\"" }
    return value.yaml(hidingValues: row.type == .headers)
  }

  /// Of pairs only those are hidden that are secrets.
  package var isHidden: Bool {
    switch value {
    case .pairs: false
    case .secret: true
    default: !references.isEmpty
    }
  }

  /// Whether anything of it is hidden.
  package func isSecret(_ row: OptionRow) -> Bool {
    guard case .pairs(let pairs) = value else { return isHidden }
    return row.type == .headers && !pairs.isEmpty || pairs.contains(where: \.isSecret)
  }

  /// Who said it, and where that has it from.
  package var origin: String {
    references.isEmpty
      ? "\(source)" : "\(source) \(references.map(shortened).joined(separator: " "))"
  }
}
