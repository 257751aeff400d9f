// SPDX-License-Identifier: Apache-2.0
// deploy/apus.yaml is the reference: it has every key, and the defaults that the agent has.

@testable import Config
import Testing

@Suite struct ReferenceFileTests {
  private static let text = (try? repositoryFile("deploy", "apus.yaml")) ?? ""

  /// The file with the keys that are written as comments, which have no space after the `#`.
  private static var whole: String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let start = line.prefix { $0 == " " }
      let rest = line.dropFirst(start.count)
      guard rest.first == "#", let next = rest.dropFirst().first, next.isLowercase else {
        return String(line)
      }
      return String(start + rest.dropFirst())
    }.joined(separator: "\n")
  }

  private static func isFromFile(_ entry: Entry?) -> Bool {
    if case .file = entry?.source { true } else { false }
  }

  @Test func everyDefaultIsTheAgents() throws {
    for (row, entry) in try settings(Self.text).effective {
      #expect(entry?.value == row.fallback, "\(row.key.rawValue)")
      #expect(Self.isFromFile(entry) == (row.fallback != nil), "\(row.key.rawValue)")
    }
  }

  @Test func everyKeyIsThere() throws {
    for (row, entry) in try settings(Self.whole).effective {
      #expect(Self.isFromFile(entry), "\(row.key.rawValue)")
    }
  }

  @Test func everyVariableAndFlagIsNamed() {
    for row in OptionTable.rows {
      for name in [row.environment, row.generalEnvironment] {
        if let name { #expect(Self.text.contains(name)) }
      }
      if let flag = row.flag { #expect(Self.text.contains("--\(flag.name)")) }
    }
  }

  @Test func theReadmeHasEveryKeyVariableAndFlag() throws {
    let readme = try repositoryFile("README.md")
    for row in OptionTable.rows {
      #expect(readme.contains("| `\(row.key.rawValue)` |"), "\(row.key.rawValue)")
      if let flag = row.flag { #expect(readme.contains("`--\(flag.name)`")) }
    }
    for name in ForeignVariables.known { #expect(readme.contains("`\(name)`"), "\(name)") }
  }
}
