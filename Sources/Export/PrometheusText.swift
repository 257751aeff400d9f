// SPDX-License-Identifier: Apache-2.0
// A series in the two forms that are text; they differ in names and in what may be told.

internal import Metrics

extension PrometheusExposition {
  mutating func appendText(
    _ point: MetricPoint, _ family: PrometheusFamily, _ format: PrometheusFormat,
    _ workload: [UInt8], to page: inout [UInt8]
  ) {
    switch point.value {
    case .integer(let value):
      appendStart(family.name, "", workload, point.labelText, to: &page)
      page.append(decimal: value)
      page.append("\n")
    case .double(let value):
      appendStart(family.name, "", workload, point.labelText, to: &page)
      page.append(number: value)
      page.append("\n")
    case .histogram(let value):
      appendBuckets(value, family, workload, point.labelText, to: &page)
    }
    let isCumulative = family.descriptor.kind == .counter || family.descriptor.kind == .histogram
    if format == .openMetrics, options.hasCreated, isCumulative {
      appendStart(family.openMetricsName, "_created", workload, point.labelText, to: &page)
      page.append(number: Double(point.startUnixNanoseconds) / 1e9)
      page.append("\n")
    }
  }

  private mutating func appendBuckets(
    _ value: HistogramValue, _ family: PrometheusFamily, _ workload: [UInt8], _ own: [UInt8],
    to page: inout [UInt8]
  ) {
    edges.edges.cumulative(value, into: &cumulative)
    prefix.removeAll(keepingCapacity: true)
    prefix.append(contentsOf: family.name)
    prefix.append("_bucket")
    let start = prefix.count
    prefix.append(labels: commonLabels, after: start)
    prefix.append(labels: workload, after: start)
    prefix.append(labels: own, after: start)
    prefix.append(UInt8(ascii: prefix.count == start ? "{" : ","))
    for (place, count) in cumulative.enumerated() {
      page.append(contentsOf: prefix)
      page.append(contentsOf: edges.labels[place])
      page.append("} ")
      page.append(decimal: count)
      page.append("\n")
    }
    appendStart(family.name, "_sum", workload, own, to: &page)
    page.append(number: value.sum)
    page.append("\n")
    appendStart(family.name, "_count", workload, own, to: &page)
    page.append(decimal: value.count)
    page.append("\n")
  }

  /// A sample's name and labels, and the blank before its value.
  private func appendStart(
    _ name: [UInt8], _ suffix: String, _ workload: [UInt8], _ own: [UInt8], to page: inout [UInt8]
  ) {
    page.append(contentsOf: name)
    page.append(suffix)
    let start = page.count
    page.append(labels: commonLabels, after: start)
    page.append(labels: workload, after: start)
    page.append(labels: own, after: start)
    page.append(page.count > start ? "} " : " ")
  }
}
