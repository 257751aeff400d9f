// SPDX-License-Identifier: Apache-2.0
// Limits of the batch processors of OpenTelemetry's SDKs, which apply here only when they are set.

extension OptionTable {
  static let limits: [OptionRow] = [
    OptionRow(
      .limitsQueueRecords, .integer(1...1_000_000_000, unit: "records"), nil,
      "Log records that wait for a destination; what does not fit is dropped and counted",
      env: "OTEL_BLRP_MAX_QUEUE_SIZE"),
    OptionRow(
      .limitsBatchRecords, .integer(1...1_000_000_000, unit: "records"), nil,
      "A batch of logs is sent when it has so many records; never more than 4096",
      env: "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE"),
    OptionRow(
      .limitsLogsExportTime, .milliseconds(0...86_400_000), nil,
      "A batch of logs is not sent again after this time; not set means 5m, 0s no limit",
      env: "OTEL_BLRP_EXPORT_TIMEOUT"),
    OptionRow(
      .limitsMetricsExportTime, .milliseconds(0...86_400_000), nil,
      "A batch of metrics is not sent again after this time; not set means 5m, 0s no limit",
      env: "OTEL_METRIC_EXPORT_TIMEOUT"),
    OptionRow(
      .limitsAttributeLength, .integer(1...1_000_000_000, unit: "characters"), nil,
      "Characters of paths, names and arguments in events; the rest is cut",
      env: "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
      general: "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"),
  ]
}

extension Settings {
  /// Nil where nothing was said.
  package struct RecordLimits: Equatable, Sendable {
    package let queueRecords: Int?
    package let batchRecords: Int?
    /// Zero is no limit.
    package let logsExportMilliseconds: Int?
    package let metricsExportMilliseconds: Int?
    package let attributeCharacters: Int?
  }
}

extension Layer {
  var recordLimits: Settings.RecordLimits {
    let queue = optionalNumber(.limitsQueueRecords)
    return Settings.RecordLimits(
      queueRecords: queue,
      // What is larger than the queue would never fit, and one as large leaves no room beside it;
      // the specification's defaults are 2048 and 512.
      batchRecords: optionalNumber(.limitsBatchRecords) ?? queue.map { min(512, max(1, $0 / 4)) },
      logsExportMilliseconds: optionalNumber(.limitsLogsExportTime),
      metricsExportMilliseconds: optionalNumber(.limitsMetricsExportTime),
      attributeCharacters: optionalNumber(.limitsAttributeLength))
  }

  /// A batch larger than the queue would never fit: the specification forbids it.
  mutating func checkLimits(_ remarks: inout Remarks) {
    guard let queue = optionalNumber(.limitsQueueRecords),
      let batch = optionalNumber(.limitsBatchRecords), batch > queue,
      let entry = self[.limitsBatchRecords], let bound = self[.limitsQueueRecords]
    else { return }
    remarks.warnings.append(
      ConfigWarning(
        source: entry.source, wrong: "a batch of \(batch) records does not fit a queue of \(queue)",
        right: "write no more than the queue has", used: "\(queue) is used"))
    set(.limitsBatchRecords, Entry(.integer(queue), bound.source, references: bound.references))
  }
}
