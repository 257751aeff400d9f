// SPDX-License-Identifier: Apache-2.0
// In which form metrics are exported, and how large files may become.

/// Whether points count from a start on or each for its interval, in OpenTelemetry's words.
package enum TemporalityPreference: String, CaseIterable, Sendable {
  case cumulative, delta, lowmemory
}

package enum HistogramAggregation: String, CaseIterable, Sendable {
  case exponential = "base2_exponential_bucket_histogram"
  case explicit = "explicit_bucket_histogram"
}

/// How metrics are written for OTLP receivers and files.
package struct MetricForm: Equatable, Sendable {
  package let temporality: TemporalityPreference
  package let histogram: HistogramAggregation
}

/// The bound on a file of OTLP lines.
package struct FileRotation: Equatable, Sendable {
  package let bytesMax: Int
  /// How many are kept besides the one that is written.
  package let filesMax: Int

  package init(bytesMax: Int, filesMax: Int) {
    self.bytesMax = bytesMax
    self.filesMax = filesMax
  }
}
