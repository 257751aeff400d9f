// SPDX-License-Identifier: Apache-2.0
// Whether the files that options name can be read and are what they should be, looked at once, at
// the start.

internal import Platform

extension Settings {
  /// A file that the configuration names must be there.
  ///
  /// One that a variable names is said to be missing and is still the one that counts: other
  /// authorities would be a trust nobody asked for.
  mutating func checkFiles(_ problems: inout Problems) {
    for case (let row, let entry?) in effective where row.type == .file {
      guard case .text(let path) = entry.value, let fault = Self.fault(path, row.key) else {
        continue
      }
      let name = entry.isHidden ? entry.references.joined(separator: ", ") : shown(path)
      let wrong = "\(name) \(fault.wrong)"
      let right = fault.right
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
          used: "nothing is sent with it until \(fault.end)"))
    }
  }

  private static func fault(
    _ path: String, _ key: OptionKey
  ) -> (wrong: String, right: String, end: String)? {
    let contents = FileContents(key)
    let file: Descriptor
    do throws(ConfigError) { file = try ConfigFile.open(path) } catch {
      return (error.sentence.wrong, "give a file that this user may read", "it can be read")
    }
    let bytes: [UInt8]
    do throws(SystemError) { bytes = try file.readToEnd(limit: contents.byteMax) } catch {
      return (
        "is larger than \(SizeText.text(contents.byteMax))", "give \(contents.name)",
        "that is mended"
      )
    }
    return contents.fault(bytes).map { ($0, "give \(contents.name)", "that is mended") }
  }
}
