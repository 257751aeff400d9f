// SPDX-License-Identifier: Apache-2.0
// Shorthand of the tables: a file's text and a dictionary for the environment.

import Config
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

func warnings(_ env: [String: String]) throws -> [String] {
  try settings(env: env).warnings.map(\.description)
}
