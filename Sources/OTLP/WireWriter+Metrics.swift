// SPDX-License-Identifier: Apache-2.0
// Metric and data point messages from plain values.

internal import Metrics

/// When a point's interval began and ended.
public struct PointTime: Sendable {
  public let startUnixNanoseconds: UInt64
  public let unixNanoseconds: UInt64

  public init(startUnixNanoseconds: UInt64, unixNanoseconds: UInt64) {
    self.startUnixNanoseconds = startUnixNanoseconds
    self.unixNanoseconds = unixNanoseconds
  }
}

extension WireWriter {
  /// A KeyValue with a string, for what is written once per interval and not per record.
  public mutating func pair(_ key: String, string value: String, field: UInt32) {
    let pair = open(field: field)
    string(key, field: 1)
    let any = open(field: 2)
    string(value, field: 1)
    close(any)
    close(pair)
  }

  public mutating func pair(_ key: String, bool value: Bool, field: UInt32) {
    let pair = open(field: field)
    string(key, field: 1)
    let any = open(field: 2)
    varint(value ? 1 : 0, field: 2)
    close(any)
    close(pair)
  }

  mutating func attributes(_ keys: [String], of point: MetricPoint, field: UInt32) {
    if point.isOverflow {
      pair("otel.metric.overflow", bool: true, field: field)
    } else {
      // An empty value is an attribute that is not there, as in Prometheus.
      for (key, value) in zip(keys, point.attributes) where !value.isEmpty {
        pair(key, string: value, field: field)
      }
    }
  }

  /// Opens a point of any kind: they differ in the number of their attributes alone so far.
  private mutating func openPoint(
    _ point: MetricPoint, _ attributesField: UInt32, _ keys: [String], _ time: PointTime
  ) -> OpenMessage {
    let message = open(field: 1)
    attributes(keys, of: point, field: attributesField)
    fixed64(time.startUnixNanoseconds, field: 2)
    fixed64(time.unixNanoseconds, field: 3)
    return message
  }

  /// Writes a NumberDataPoint; its value is a oneof, so zero is written too.
  mutating func numberPoint(_ point: MetricPoint, keys: [String], time: PointTime) {
    let message = openPoint(point, AttributesField.numberPoint, keys, time)
    switch point.value {
    case .integer(let value): fixed64(UInt64(bitPattern: value), field: 6)
    case .double(let value): double(value, field: 4)
    case .histogram: preconditionFailure("a histogram is no number")
    }
    close(message)
  }

  /// Writes an ExponentialHistogramDataPoint.
  mutating func exponentialPoint(
    _ value: HistogramValue, of point: MetricPoint, keys: [String], time: PointTime
  ) {
    let message = openPoint(point, AttributesField.exponentialPoint, keys, time)
    fixed64(value.count, field: 4)
    // Presence counts: Prometheus drops an exponential histogram without a sum.
    double(value.sum, field: 5)
    zigzag(Int64(value.scale), field: 6)
    fixed64(value.zeroCount, field: 7)
    if !value.counts.isEmpty {
      let positive = open(field: 8)
      zigzag(Int64(value.offset), field: 1)
      let counts = open(field: 2)
      for count in value.counts { varint(count) }
      close(counts)
      close(positive)
    }
    if let min = value.min { double(min, field: 12) }
    if let max = value.max { double(max, field: 13) }
    double(value.zeroThreshold, field: 14)
    close(message)
  }

  /// Writes a HistogramDataPoint with these edges.
  mutating func explicitPoint(
    _ value: HistogramValue, _ edges: PowerOfTwoEdges, of point: MetricPoint, keys: [String],
    time: PointTime
  ) {
    let message = openPoint(point, AttributesField.histogramPoint, keys, time)
    fixed64(value.count, field: 4)
    double(value.sum, field: 5)
    let counts = open(field: 6)
    for count in edges.counts(value) { fixed64(count) }
    close(counts)
    let bounds = open(field: 7)
    for bound in edges.bounds { double(bound) }
    close(bounds)
    if let min = value.min { double(min, field: 11) }
    if let max = value.max { double(max, field: 12) }
    close(message)
  }
}
