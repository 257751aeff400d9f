// SPDX-License-Identifier: Apache-2.0
// The limits of `limits` in the configuration, as queues and lanes take them.

internal import Config
internal import Transport

extension BatchQueue {
  convenience init(_ settings: Settings) {
    self.init(
      byteLimit: settings.export.queueBytes, logRecordLimit: settings.limits.queueRecords ?? .max)
  }
}

extension RetryPolicy {
  init(_ limits: Settings.RecordLimits, _ signal: Transport.Signal) {
    self.init()
    let time =
      signal == .logs ? limits.logsExportMilliseconds : limits.metricsExportMilliseconds
    guard let time else { return }
    // No limit still leaves room to add a wait to the time.
    elapsedNanoseconds = time == 0 ? .max / 4 : UInt64(time) * 1_000_000
  }
}
