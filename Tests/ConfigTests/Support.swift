// SPDX-License-Identifier: Apache-2.0
// Shorthand of the tables: a file's text and a dictionary for the environment.

import Config
import Glibc
import Testing

func settings(
  _ yaml: String? = nil, env: [String: String] = [:], flags: [OptionKey: Value] = [:]
) throws(ConfigError) -> Settings {
  try Settings.resolve(
    yaml: yaml.map { Array($0.utf8) }, fileName: "apus.yaml", environment: { env[$0] },
    flags: flags)
}

/// The error's sentence, or nil when the configuration is accepted.
func refusal(_ yaml: String, env: [String: String] = [:]) -> String? {
  do throws(ConfigError) {
    _ = try settings(yaml, env: env)
    return nil
  } catch {
    return error.description
  }
}

/// A file of the repository in which this very file is.
func repositoryFile(_ path: String...) throws -> String {
  let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
  let name = (root + path.map { $0[...] }).joined(separator: "/")
  let file = try #require(fopen(name, "r"), "\(name)")
  defer { fclose(file) }
  var bytes = [UInt8](repeating: 0, count: 262_144)
  let count = fread(&bytes, 1, bytes.count, file)
  return String(decoding: bytes[..<count], as: UTF8.self)
}

func warnings(_ env: [String: String]) throws -> [String] {
  try settings(env: env).warnings.map(\.description)
}
