// SPDX-License-Identifier: Apache-2.0
// `apus config print`: the effective configuration as YAML, each line with its source.

extension Settings {
  /// Header values are secrets and are printed as `***`.
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
      let isSecret = row.type == .headers || row.type == .secret
      if let entry {
        let value = entry.value.yaml(hidingValues: isSecret)
        out += indent(sections.count) + "\(name): \(value)  # \(entry.source)\n"
      } else {
        out += indent(sections.count) + "# \(name): not set\n"
      }
    }
    return out
  }

  private func indent(_ depth: Int) -> String { String(repeating: "  ", count: depth) }
}
