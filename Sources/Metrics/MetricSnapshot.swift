// SPDX-License-Identifier: Apache-2.0
// All series at one moment: taken once per scrape or interval, read without any lock.

public enum PointValue: Sendable, Equatable {
  case integer(Int64)
  case double(Double)
  case histogram(HistogramValue)
}

public struct MetricPoint: Sendable {
  /// What one of a histogram takes at most; its texts it shares with the store.
  public static let histogramBytesMax = MemoryLayout<MetricPoint>.stride + HistogramValue.bytesMax

  /// nil of a point that no store made.
  public let series: SeriesID?
  /// Whose it is: what the store's user names it by; 0 is the agent itself.
  public let workload: UInt32
  /// One per attribute key of the instrument, or none for the overflow series.
  public let attributes: [String]
  /// `attributes` as Prometheus writes them.
  public let labelText: [UInt8]
  public let isOverflow: Bool
  public let startUnixNanoseconds: UInt64
  public let value: PointValue

  public init(
    series: SeriesID? = nil, workload: UInt32, attributes: [String], labelText: [UInt8],
    isOverflow: Bool, startUnixNanoseconds: UInt64, value: PointValue
  ) {
    self.series = series
    self.workload = workload
    self.attributes = attributes
    self.labelText = labelText
    self.isOverflow = isOverflow
    self.startUnixNanoseconds = startUnixNanoseconds
    self.value = value
  }
}

public struct MetricSnapshot: Sendable {
  public struct Instrument: Sendable {
    public let descriptor: InstrumentDescriptor
    public let points: [MetricPoint]
    public let temporality: Temporality

    public init(
      descriptor: InstrumentDescriptor, points: [MetricPoint],
      temporality: Temporality = .cumulative
    ) {
      self.descriptor = descriptor
      self.points = points
      self.temporality = temporality
    }
  }

  public let unixNanoseconds: UInt64
  public let instruments: [Instrument]

  public init(unixNanoseconds: UInt64, instruments: [Instrument]) {
    self.unixNanoseconds = unixNanoseconds
    self.instruments = instruments
  }
}
