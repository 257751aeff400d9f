// SPDX-License-Identifier: Apache-2.0
// From a file, the environment and flags to settings, with all that is wrong on the way.

/// What became of a configuration.
package struct ConfigReading: Sendable {
  /// Nil when there are problems.
  package private(set) var settings: Settings?
  package private(set) var problems: Problems
  /// Of the environment; also when there are problems.
  package private(set) var warnings: [ConfigWarning]

  /// Reads the file, if one is named, and lays flags over environment over file over defaults.
  ///
  /// `variables` are the names in the environment, among which slips are looked for.
  package init(
    file path: String?, environment: @escaping Environment, variables: [String] = [],
    flags: [OptionKey: Value] = [:]
  ) {
    var problems = Problems()
    var bytes: [UInt8]?
    if let path {
      do throws(ConfigError) { bytes = try ConfigFile.read(path) } catch { problems.note(error) }
    }
    self.init(
      yaml: bytes, fileName: path ?? "", environment: environment, variables: variables,
      flags: flags, problems: problems)
    settings?.checkFiles(&self.problems)
    warnings = settings?.warnings ?? warnings
    if !self.problems.isEmpty { settings = nil }
  }

  package init(
    yaml: [UInt8]?, fileName: String, environment: @escaping Environment,
    variables: [String] = [], flags: [OptionKey: Value] = [:], problems: Problems = Problems()
  ) {
    var problems = problems
    var layer = Layer.defaults
    if let yaml, let root = YAML.parse(yaml, file: fileName, problems: &problems) {
      layer.cover(
        with: Layer(root: root, file: fileName, environment: environment, problems: &problems))
    }
    var remarks = Remarks()
    layer.cover(with: Layer(environment: environment, remarks: &remarks))
    layer.listenAsPrometheus(environment, &remarks)
    ForeignVariables.examine(environment, names: variables, &remarks)
    for (key, value) in flags {
      let name = OptionTable.row(key).flag?.name ?? key.rawValue
      layer.set(key, Entry(value, .flag("--\(name)")))
    }
    layer.checkLimits(&remarks)
    // A conflict with what stands in for a wrong value is none.
    if !problems.errors.contains(where: { $0.key.isEmpty || $0.key.hasPrefix("export") }) {
      layer.check(&problems)
    }
    var settings: Settings?
    if problems.isEmpty {
      do throws(ConfigError) { settings = try Settings(layer, remarks) } catch {
        problems.note(error)
      }
    }
    self.settings = settings
    self.problems = problems
    warnings = settings?.warnings ?? remarks.warnings
  }
}

/// What is said of the environment: warnings, and notes for whoever looks closely.
struct Remarks {
  var warnings: [ConfigWarning] = []
  var notes: [String] = []

  mutating func warn(_ name: String, _ wrong: String, _ right: String, _ used: String) {
    warnings.append(
      ConfigWarning(source: .environment(name), wrong: wrong, right: right, used: used))
  }
}

extension Settings {
  /// The settings, or the first thing that is wrong.
  package static func load(
    file path: String?, environment: @escaping Environment, flags: [OptionKey: Value] = [:]
  ) throws(ConfigError) -> Settings {
    try ConfigReading(file: path, environment: environment, flags: flags).accepted()
  }

  package static func resolve(
    yaml: [UInt8]?, fileName: String, environment: @escaping Environment,
    flags: [OptionKey: Value] = [:]
  ) throws(ConfigError) -> Settings {
    try ConfigReading(yaml: yaml, fileName: fileName, environment: environment, flags: flags)
      .accepted()
  }
}

extension ConfigReading {
  fileprivate func accepted() throws(ConfigError) -> Settings {
    if let settings { return settings }
    guard let first = problems.errors.first else {
      preconditionFailure("no settings, and nothing is wrong")
    }
    throw first
  }
}

extension Layer {
  /// What no option can say alone.
  fileprivate func check(_ problems: inout Problems) {
    for signal in Signal.allCases {
      do throws(ConfigError) {
        // Warnings come when the settings are made.
        var unused: [ConfigWarning] = []
        _ = try self.signal(signal, &unused)
      } catch {
        problems.note(hiding(error))
      }
    }
    do throws(ConfigError) {
      var unused: [ConfigWarning] = []
      try checkOutputs(&unused)
    } catch { problems.note(error) }
    do throws(ConfigError) { try checkSizes() } catch { problems.note(error) }
    do throws(ConfigError) { try checkHTTP() } catch { problems.note(error) }
  }

  /// The error without the value, if that is a secret.
  private func hiding(_ error: ConfigError) -> ConfigError {
    guard let key = OptionKey(rawValue: error.key), let entry = self[key], entry.isHidden,
      !entry.references.isEmpty
    else {
      return error
    }
    let names = entry.references.joined(separator: ", ")
    let kind = ConfigError.Kind.conflict(
      problem: "the value of \(names) does not fit the other options",
      remedy: "write \(OptionTable.row(key).type.wanted(.configuration))")
    return ConfigError(source: error.source, key: error.key, kind: kind)
  }

  /// Warnings without values that are secrets.
  func hiding(_ warnings: [ConfigWarning]) -> [ConfigWarning] {
    let secret = entries.values.filter(\.isHidden).map(\.source)
    return warnings.map { warning in
      guard secret.contains(warning.source) else { return warning }
      return ConfigWarning(
        source: warning.source, wrong: "a part of what ${…} gives is of no use here",
        right: warning.right, used: warning.used)
    }
  }

  private func checkSizes() throws(ConfigError) {
    let queue = number(.exportQueue)
    let batch = number(.exportBatchBytes)
    guard batch <= queue else {
      // Blame the one that somebody wrote.
      let isBatchWritten = self[.exportBatchBytes]?.source != .fallback
      let key = isBatchWritten ? OptionKey.exportBatchBytes : .exportQueue
      throw ConfigError(
        source: self[key]?.source ?? .fallback, key: key.rawValue,
        kind: .conflict(
          problem:
            "a batch of \(SizeText.text(batch)) does not fit a queue of \(SizeText.text(queue))",
          remedy: "write export.batch_bytes no larger than export.queue"))
    }
    let request = number(.exportMaxRequestBytes)
    guard batch <= request else {
      throw ConfigError(
        source: self[.exportMaxRequestBytes]?.source ?? .fallback,
        key: OptionKey.exportMaxRequestBytes.rawValue,
        kind: .conflict(
          problem: "a batch of \(SizeText.text(batch)) does not fit a request of "
            + SizeText.text(request),
          remedy: "write export.max_request_bytes larger than export.batch_bytes"))
    }
  }
}
