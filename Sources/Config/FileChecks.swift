// SPDX-License-Identifier: Apache-2.0
// Whether the files that options name can be read, looked at once, at the start.

extension Settings {
  /// A file that the configuration names must be there.
  ///
  /// One that a variable names is said to be missing and is still the one that counts: other
  /// authorities would be a trust nobody asked for.
  mutating func checkFiles(_ problems: inout Problems) {
    for case (let row, let entry?) in effective where row.type == .file {
      guard case .text(let path) = entry.value, let fault = Self.fault(path) else { continue }
      let name = entry.isHidden ? entry.references.joined(separator: ", ") : shown(path)
      let wrong = "\(name) \(fault)"
      let right = "give a file that this user may read"
      guard case .environment = entry.source else {
        problems.note(
          ConfigError(
            source: entry.source, key: row.key.rawValue,
            kind: .conflict(problem: wrong, remedy: right)))
        continue
      }
      warnings.append(
        ConfigWarning(
          source: entry.source, wrong: wrong, right: right,
          used: "nothing is sent with it until it can be read"))
    }
  }

  /// What is wrong with the file; nil when it can be read.
  private static func fault(_ path: String) -> String? {
    do throws(ConfigError) {
      _ = try ConfigFile.open(path)
      return nil
    } catch { return error.sentence.wrong }
  }
}
