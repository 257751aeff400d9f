// SPDX-License-Identifier: Apache-2.0
// Outputs that are asked for and would get nothing.

extension Layer {
  /// An error where one file says both; a warning where a variable or a flag lies over a file.
  func checkOutputs(_ warnings: inout [ConfigWarning]) throws(ConfigError) {
    for signal in [Signal.logs, .metrics] where asks("console", signal) {
      // Standard output is what console would have been.
      guard let file = self[.filePath], file.value != .text("-") else { break }
      try refuse(
        signal, with: file, "console has no effect, since file.path takes all signals",
        "write one of them; file.path: - is standard output", "the file is written", &warnings)
    }
    if asks("prometheus", .metrics), let listen = self[.listen], case .listen(nil) = listen.value {
      try refuse(
        .metrics, with: listen, "prometheus has no effect, since listen is off",
        "set listen to an address", "nothing serves /metrics", &warnings)
    }
  }

  private func asks(_ word: String, _ signal: Signal) -> Bool {
    guard case .choices(let words)? = self[signal.key(.exporter)]?.value else { return false }
    return words.contains(word)
  }

  private func refuse(
    _ signal: Signal, with other: Entry, _ wrong: String, _ right: String, _ used: String,
    _ warnings: inout [ConfigWarning]
  ) throws(ConfigError) {
    let key = signal.key(.exporter)
    guard let source = self[key]?.source else { return }
    if case .file = source, case .file = other.source {
      throw ConfigError(
        source: source, key: key.rawValue, kind: .conflict(problem: wrong, remedy: right))
    }
    warnings.append(ConfigWarning(source: source, wrong: wrong, right: right, used: used))
  }
}
