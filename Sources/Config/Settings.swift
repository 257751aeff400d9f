// SPDX-License-Identifier: Apache-2.0
// The validated configuration that the rest of the agent reads; made once, at start.

package import Platform

package enum ArgumentPrivacy: String, CaseIterable, Sendable {
  case full, redacted, none
}

/// Which build of the probes may be used; see scripts/build-bpf.sh.
package enum HookPreference: String, CaseIterable, Sendable {
  case auto, modern, compatible
}

/// What carries records out of the kernel.
package enum BufferPreference: String, CaseIterable, Sendable {
  case auto, ring, perf

  /// Nil leaves it to the kernel.
  package var isPerf: Bool? {
    switch self {
    case .auto: nil
    case .ring: false
    case .perf: true
    }
  }
}

package enum LogFormat: String, CaseIterable, Sendable {
  case text, json
}

package struct Settings: Sendable {
  package struct Exec: Equatable, Sendable {
    package let enabled: Bool
    package let args: ArgumentPrivacy
    package let failed: Bool
  }

  package struct Runqlat: Equatable, Sendable {
    package let enabled: Bool
    package let cgroupsMax: Int
  }

  /// A probe that keeps its histograms by more than the cgroup.
  package struct Measured: Equatable, Sendable {
    package let enabled: Bool
    package let histogramsMax: Int
  }

  package struct Buffers: Equatable, Sendable {
    package let preference: BufferPreference
    package let ringBytes: Int
    package let wakeLatencyMilliseconds: Int
  }

  package struct Export: Equatable, Sendable {
    package let logs: SignalSettings
    package let metrics: SignalSettings
    /// Resolved and shown; nothing makes spans yet.
    package let traces: SignalSettings
    package let maxRequestBytes: Int
    package let queueBytes: Int
    package let batchBytes: Int
    package let scheduleDelayMilliseconds: Int
  }

  /// Who may ask the endpoint, and over what.
  package struct HTTP: Equatable, Sendable {
    /// Both or neither.
    package let certificate: String?
    package let key: String?
    /// The file wins.
    package let token: String?
    package let tokenFile: String?
  }

  package struct Prometheus: Equatable, Sendable {
    package let bucketsPerPower: Int
    package let created: Bool
    package let scopeLabels: Bool
  }

  package let exec: Exec
  package let runqlat: Runqlat
  package let tcpconnect: Measured
  package let tcpretrans: Measured
  package let biolatency: Measured
  package let socketsMax: Int
  package let hooks: HookPreference
  package let buffers: Buffers
  package let export: Export
  package let metricsIntervalMilliseconds: Int
  package let metricForm: MetricForm
  /// The `--otlp-file`; `-` is standard output.
  package let otlpFile: String?
  package let fileRotation: FileRotation
  /// Nil is `off`.
  package let listen: ListenAddress?
  package let http: HTTP
  package let prometheus: Prometheus
  package let serviceName: String
  /// Without `service.name`.
  package let resourceAttributes: [Pair]
  package let logLevel: LogLevel
  package let logFormat: LogFormat
  package let limits: RecordLimits

  /// Each option with what it is and who said so, in the table's order; nil is "not set".
  package let effective: [(row: OptionRow, entry: Entry?)]
  /// What the environment got wrong; to be logged.
  package internal(set) var warnings: [ConfigWarning]
  /// What of it is known and has no effect; for the log's lowest level.
  package let notes: [String]
}

extension Settings {
  init(_ layer: Layer, _ remarks: Remarks) throws(ConfigError) {
    var warnings = remarks.warnings
    exec = Exec(
      enabled: layer.boolean(.execEnabled), args: layer.choice(.execArgs),
      failed: layer.boolean(.execFailed))
    runqlat = Runqlat(
      enabled: layer.boolean(.runqlatEnabled), cgroupsMax: layer.number(.runqlatCgroups))
    tcpconnect = Measured(
      enabled: layer.boolean(.tcpconnectEnabled), histogramsMax: layer.number(.tcpconnectHistograms)
    )
    tcpretrans = Measured(
      enabled: layer.boolean(.tcpretransEnabled), histogramsMax: layer.number(.tcpretransHistograms)
    )
    biolatency = Measured(
      enabled: layer.boolean(.biolatencyEnabled), histogramsMax: layer.number(.biolatencyHistograms)
    )
    socketsMax = layer.number(.socketsMax)
    hooks = layer.choice(.hooks)
    buffers = Buffers(
      preference: layer.choice(.buffer),
      ringBytes: layer.number(.buffersRing),
      wakeLatencyMilliseconds: layer.number(.buffersWakeLatency))
    export = Export(
      logs: try layer.signal(.logs, &warnings), metrics: try layer.signal(.metrics, &warnings),
      traces: try layer.signal(.traces, &warnings),
      maxRequestBytes: layer.number(.exportMaxRequestBytes),
      queueBytes: layer.number(.exportQueue), batchBytes: layer.number(.exportBatchBytes),
      scheduleDelayMilliseconds: layer.number(.exportScheduleDelay))
    metricsIntervalMilliseconds = layer.number(.metricsInterval)
    metricForm = MetricForm(
      temporality: layer.choice(.metricsTemporality), histogram: layer.choice(.metricsHistogram))
    otlpFile = layer.text(.filePath)
    fileRotation = FileRotation(
      bytesMax: layer.number(.fileMaxBytes), filesMax: layer.number(.fileMaxFiles))
    listen = if case .listen(let address)? = layer[.listen]?.value { address } else { nil }
    http = HTTP(
      certificate: layer.text(.httpTLSCertificate), key: layer.text(.httpTLSKey),
      token: layer.text(.httpToken), tokenFile: layer.text(.httpTokenFile))
    prometheus = Prometheus(
      bucketsPerPower: layer.number(.prometheusBucketsPerPower),
      created: layer.boolean(.prometheusCreated), scopeLabels: layer.boolean(.prometheusScopeLabels)
    )
    serviceName = layer.text(.resourceServiceName) ?? ""
    resourceAttributes = layer.pairs(.resourceAttributes)
    logLevel = layer.choice(.logLevel)
    logFormat = layer.choice(.logFormat)
    effective = OptionTable.rows.map { ($0, layer[$0.key]) }
    limits = layer.recordLimits
    try layer.checkOutputs(&warnings)
    self.warnings = layer.hiding(warnings)
    notes = remarks.notes
  }
}

extension Layer {
  // Each of these traps on an option whose row has another type or no default: the table is ours,
  // and a test reads every option once.
  func boolean(_ key: OptionKey) -> Bool {
    guard case .boolean(let value)? = self[key]?.value else { mismatch(key) }
    return value
  }

  func number(_ key: OptionKey) -> Int {
    switch self[key]?.value {
    case .integer(let value)?, .bytes(let value)?, .milliseconds(let value)?: return value
    case .choice(let word)?:
      guard let value = Int(word) else { mismatch(key) }
      return value
    default: mismatch(key)
    }
  }

  func choice<Choice: RawRepresentable>(_ key: OptionKey) -> Choice
  where Choice.RawValue == String {
    guard case .choice(let word)? = self[key]?.value, let choice = Choice(rawValue: word) else {
      mismatch(key)
    }
    return choice
  }

  /// For options whose "not set" has a meaning.
  func optionalNumber(_ key: OptionKey) -> Int? { self[key] == nil ? nil : number(key) }

  func text(_ key: OptionKey) -> String? {
    switch self[key]?.value {
    case .text(let text)?, .secret(let text)?: text
    default: nil
    }
  }

  func pairs(_ key: OptionKey) -> [Pair] {
    if case .pairs(let pairs)? = self[key]?.value { pairs } else { [] }
  }

  private func mismatch(_ key: OptionKey) -> Never {
    preconditionFailure("the row of \(key.rawValue) has another type than its reader")
  }
}
