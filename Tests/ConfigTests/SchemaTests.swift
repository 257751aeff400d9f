// SPDX-License-Identifier: Apache-2.0
// The JSON Schema: its patterns say what the agent's own parsers do, and its copy is of today.

@testable import Config
import Testing

@Suite("JSON Schema of the configuration")
struct SchemaTests {
  @Test("docs/apus.schema.json is what apus config schema prints")
  func committed() throws {
    #expect(
      try repositoryFile("docs", "apus.schema.json") == ConfigSchema.text,
      "run: .build/release/apus config schema > docs/apus.schema.json")
  }

  @Test("every option is in it once, with its summary")
  func complete() {
    for row in OptionTable.rows {
      #expect(ConfigSchema.text.contains("\"description\": \"\(row.summary)"), "\(row.key)")
      #expect(
        ConfigSchema.text.contains("\"\(row.key.rawValue.split(separator: ".").last ?? "")\":"))
    }
  }

  @Test(
    "patterns of numbers match what is in the range, and nothing else",
    arguments: [0...0, 0...9, 1...9, 5...7, 0...10, 1...100, 16...4096, 7...23, 99...101, 4...3072])
  func numbers(range: ClosedRange<Int>) throws {
    let pattern = try Regex(NumberPattern.text(range))
    let edges = max(range.upperBound - 60, 120)...max(range.upperBound + 60, 180)
    for number in Array(0..<120) + Array(edges) + [1000, 1999, 2000, 2048, 10_000] {
      let isMatch = "\(number)".wholeMatch(of: pattern) != nil
      if isMatch != range.contains(number) { Issue.record("\(number) in \(range)") }
    }
    #expect("007".wholeMatch(of: pattern) != nil || !range.contains(7))
  }

  @Test("patterns of sizes and durations agree with their parsers")
  func units() throws {
    let texts = [
      "0s", "1ms", "99ms", "100ms", "10000ms", "10001ms", "9s", "10s", "11s", "1m", "60m", "61m",
      "1h", "2h", "24h", "25h", "1500", "1.5s", "-1s", "s", "1d", "86400s", "86401s", " 1s",
      "4KiB", "3KiB", "64KiB", "63KiB", "65KiB", "1MiB", "3MiB", "4MiB", "64MiB", "65536KiB",
      "128MiB", "1GiB", "2GiB", "1024MiB", "1025MiB", "1MB", "MiB", "0GiB", "128KiB", "96KiB",
    ]
    for row in OptionTable.rows {
      let pattern: String
      switch row.type {
      case .bytes(let range, let powerOfTwo):
        pattern = NumberPattern.text(range, units: SizeText.units, powersOfTwo: powerOfTwo)
      case .milliseconds(let range): pattern = NumberPattern.text(range, units: DurationText.units)
      default: continue
      }
      let regex = try Regex(pattern)
      for text in texts {
        let isAccepted = (try? row.type.parse(text, .configuration)) != nil
        #expect((text.wholeMatch(of: regex) != nil) == isAccepted, "\(row.key) \(text)")
      }
    }
  }
}
