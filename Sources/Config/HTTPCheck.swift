// SPDX-License-Identifier: Apache-2.0
// What the options of the endpoint must agree on.

extension Layer {
  func checkHTTP() throws(ConfigError) {
    try check(.httpTLSCertificate, needs: .httpTLSKey)
    try check(.httpTLSKey, needs: .httpTLSCertificate)
  }

  private func check(_ key: OptionKey, needs other: OptionKey) throws(ConfigError) {
    guard let entry = self[key], self[other] == nil else { return }
    throw ConfigError(
      source: entry.source, key: key.rawValue,
      kind: .conflict(
        problem: "\(other.rawValue) is not set", remedy: "write both, or neither"))
  }
}
