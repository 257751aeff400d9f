// SPDX-License-Identifier: Apache-2.0
// The tables of wrong files and wrong variables in Cases, each with the exact words that it gets.

import Config
import Testing

/// One case: its lines before those that begin with `=> `, and these without that.
struct WrongCase: Sendable, CustomTestStringConvertible {
  var title = ""
  var lines: [String] = []
  var messages: [String] = []

  var testDescription: String { title.isEmpty ? lines.joined(separator: " ") : title }

  static func table(_ name: String) -> [WrongCase] {
    var cases: [WrongCase] = []
    let text = (try? repositoryFile("Tests", "ConfigTests", "Cases", name)) ?? ""
    for line in text.split(separator: "\n") {
      if line.hasPrefix("##") {
        cases.append(WrongCase(title: String(line.dropFirst(3))))
      } else if line.hasPrefix("=> ") {
        cases[cases.count - 1].messages.append(String(line.dropFirst(3)))
      } else if !cases.isEmpty {
        cases[cases.count - 1].lines.append(String(line))
      }
    }
    return cases
  }

  /// `NAME=value` lines; `\n` in a value is a line's end.
  static func variables(_ lines: [String]) -> [String: String] {
    var found: [String: String] = [:]
    for line in lines {
      guard let equals = line.firstIndex(of: "=") else { continue }
      let parts = line[line.index(after: equals)...].split(
        separator: "\\n", omittingEmptySubsequences: false)
      found[String(line[..<equals])] = parts.joined(separator: "\n")
    }
    return found
  }
}

@Suite("wrong configurations")
struct WrongConfigurationTests {
  static let files = WrongCase.table("wrong-files.txt")
  static let variables = WrongCase.table("wrong-variables.txt")

  @Test("there are as many as were promised, and none twice")
  func counts() {
    #expect(Self.files.count >= 60)
    #expect(Self.variables.count >= 30)
    #expect(Set(Self.files.map(\.lines)).count == Self.files.count)
    #expect(Set(Self.variables.map(\.lines)).count == Self.variables.count)
  }

  @Test("each wrong file gets its own sentences, and no agent starts with it", arguments: files)
  func file(_ wrong: WrongCase) {
    let env = WrongCase.variables(
      wrong.lines.filter { $0.hasPrefix("$ ") }.map { String($0.dropFirst(2)) })
    let yaml = wrong.lines.filter { !$0.hasPrefix("$ ") }.joined(separator: "\n")
    let reading = ConfigReading(
      yaml: Array(yaml.utf8), fileName: "apus.yaml", environment: { env[$0] })
    #expect(reading.problems.errors.map(\.description) == wrong.messages)
    #expect(!wrong.messages.isEmpty && reading.settings == nil)
    #expect(!wrong.messages.contains { $0.contains("hunter2") })
  }

  @Test("each wrong variable gets its own warning, and the agent starts", arguments: variables)
  func variable(_ wrong: WrongCase) {
    let env = WrongCase.variables(wrong.lines)
    let reading = ConfigReading(
      yaml: nil, fileName: "", environment: { env[$0] }, variables: Array(env.keys))
    #expect(reading.warnings.map(\.description) == wrong.messages)
    #expect(!wrong.messages.isEmpty && reading.settings != nil)
  }

  @Test("more errors than are kept are counted")
  func bound() {
    let yaml = (0..<50).map { "key\($0): 1" }.joined(separator: "\n")
    let reading = ConfigReading(
      yaml: Array(yaml.utf8), fileName: "f", environment: { _ in nil })
    #expect(reading.problems.errors.count == 20)
    #expect(reading.problems.omitted == 30)
  }

  @Test("slips are looked for among names only that are near, and SDKs' own are left alone")
  func slips() {
    for name in [
      "OTEL_PYTHON_LOG_LEVEL", "OTEL_EXPORTER_JAEGER_ENDPOINT", "OTEL_JAVAAGENT_ENABLED",
      "OTEL_EXPORTER_ZIPKIN_TIMEOUT", "OTEL", "PATH",
    ] {
      let reading = ConfigReading(
        yaml: nil, fileName: "", environment: { $0 == name ? "x" : nil }, variables: [name])
      #expect(reading.warnings.isEmpty, "\(name)")
    }
  }
}
