// SPDX-License-Identifier: Apache-2.0
// A series as io.prometheus.client.Metric. Its histograms are native and classic at once: readers
// that are asked for the former take them, others that only want start times have the latter.

internal import Metrics

extension PrometheusExposition {
  /// Numbers that are zero are written: in proto2 a field that is missing is unknown.
  mutating func appendMessage(
    _ point: MetricPoint, _ family: PrometheusFamily, _ workload: [UInt8], to page: inout [UInt8]
  ) {
    let metric = page.beginMessage(field: 4)
    page.append(field: 1, labels: commonLabels)
    page.append(field: 1, labels: workload)
    page.append(field: 1, labels: point.labelText)
    switch point.value {
    case .integer(let value):
      appendNumber(Double(value), point, family, to: &page)
    case .double(let value):
      appendNumber(value, point, family, to: &page)
    case .histogram(let value):
      let histogram = page.beginMessage(field: 7)
      page.append(field: 1, value.count)
      page.append(field: 2, value.sum)
      appendClassic(value, to: &page)
      appendNative(value, to: &page)
      appendCreated(point, field: 15, to: &page)
      page.endMessage(histogram)
    }
    page.endMessage(metric)
  }

  private func appendNumber(
    _ value: Double, _ point: MetricPoint, _ family: PrometheusFamily, to page: inout [UInt8]
  ) {
    let isCounter = family.descriptor.kind == .counter
    let message = page.beginMessage(field: isCounter ? 3 : 2)
    page.append(field: 1, value)
    if isCounter { appendCreated(point, field: 3, to: &page) }
    page.endMessage(message)
  }

  /// google.protobuf.Timestamp
  private func appendCreated(_ point: MetricPoint, field: UInt64, to page: inout [UInt8]) {
    let message = page.beginMessage(field: field)
    page.append(field: 1, point.startUnixNanoseconds / 1_000_000_000)
    page.append(field: 2, point.startUnixNanoseconds % 1_000_000_000)
    page.endMessage(message)
  }

  private mutating func appendClassic(_ value: HistogramValue, to page: inout [UInt8]) {
    edges.edges.cumulative(value, into: &cumulative)
    for (place, count) in cumulative.enumerated() {
      let bucket = page.beginMessage(field: 3)
      page.append(field: 1, count)
      page.append(
        field: 2, place < edges.edges.bounds.count ? edges.edges.bounds[place] : .infinity)
      page.endMessage(bucket)
    }
  }

  private mutating func appendNative(_ value: HistogramValue, to page: inout [UInt8]) {
    spans.fill(value)
    page.append(field: 5, zigzag: Int64(value.scale))
    page.append(field: 6, value.zeroThreshold)
    page.append(field: 7, value.zeroCount)
    for span in spans.spans {
      let message = page.beginMessage(field: 12)
      page.append(field: 1, zigzag: Int64(span.offset))
      page.append(field: 2, UInt64(span.length))
      page.endMessage(message)
    }
    let deltas = page.beginMessage(field: 13)
    for delta in spans.deltas { page.append(varint: zigzag(delta)) }
    page.endMessage(deltas)
  }
}
