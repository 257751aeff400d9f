// SPDX-License-Identifier: Apache-2.0
// The page that Prometheus scrapes, in each of its forms, instrument by instrument. What does not
// change is rendered once and kept between scrapes; owned by the thread that answers.

package import Metrics

/// What a configuration says of the page.
package struct PrometheusOptions: Sendable {
  /// From about a microsecond to half a minute.
  package var leExponents: ClosedRange<Int> = -20...5
  /// Classic buckets for each power of two: 1, 2, 4 or 8.
  package var bucketsPerPower = 1
  /// OpenMetrics' `_created` samples, which are a series of their own to many readers.
  package var hasCreated = false

  package init() {}
}

package struct PrometheusExposition: ~Copyable {
  let edges: PrometheusEdges
  let options: PrometheusOptions
  /// Rendered labels that every sample carries; may be empty.
  let commonLabels: [UInt8]
  private let targetLabels: [UInt8]
  /// Families in the order of the instruments, rendered when first seen.
  private var families: [PrometheusFamily?] = []
  // Kept, so that a point allocates nothing.
  var cumulative: [UInt64] = []
  var spans = PrometheusSpans()
  var prefix: [UInt8] = []

  /// `targetLabels` are the agent's resource attributes.
  package init(
    targetLabels: [UInt8], commonLabels: [UInt8] = [],
    options: PrometheusOptions = PrometheusOptions()
  ) {
    edges = PrometheusEdges(
      PowerOfTwoEdges(exponents: options.leExponents, perPower: options.bucketsPerPower))
    self.options = options
    self.commonLabels = commonLabels
    self.targetLabels = targetLabels
  }

  /// What comes first: the agent and its host.
  package func begin(_ format: PrometheusFormat, to page: inout [UInt8]) {
    let help = "Attributes of the agent and its host."
    switch format {
    case .text, .openMetrics:
      let isText = format == .text
      let name = isText ? "target_info" : "target"
      page.append("# HELP \(name) \(help)\n# TYPE \(name) \(isText ? "gauge" : "info")\n")
      page.append("target_info")
      let start = page.count
      page.append(labels: targetLabels, after: start)
      page.append(page.count > start ? "} 1\n" : " 1\n")
    case .protobuf:
      let family = page.beginMessage(field: nil)
      page.append(field: 1, "target_info")
      page.append(field: 2, help)
      page.append(field: 3, PrometheusFamily.gaugeType)
      let metric = page.beginMessage(field: 4)
      page.append(field: 1, labels: targetLabels)
      let gauge = page.beginMessage(field: 2)
      page.append(field: 1, 1.0)
      page.endMessage(gauge)
      page.endMessage(metric)
      page.endMessage(family)
    }
  }

  /// Appends a family; `index` is the instrument's place, `workloadLabels` gives the rendered
  /// labels of a workload, which are what makes its samples distinct, or nil of one that was
  /// forgotten since the points were copied.
  package mutating func append(
    _ instrument: MetricSnapshot.Instrument, at index: Int, _ format: PrometheusFormat,
    workloadLabels: (UInt32) -> [UInt8]?, to page: inout PrometheusPage
  ) {
    guard !instrument.points.isEmpty else { return }
    let family = family(index, instrument.descriptor)
    switch format {
    case .text, .openMetrics:
      page.bytes.append(contentsOf: format == .text ? family.textHead : family.openMetricsHead)
      for point in instrument.points {
        guard let labels = workloadLabels(point.workload) else { continue }
        appendText(point, family, format, labels, to: &page.bytes)
        page.drain()
      }
    case .protobuf:
      // Its length comes first, so that a family is whole before any of it is compressed.
      let start = page.bytes.beginMessage(field: nil)
      page.bytes.append(contentsOf: family.protobufHead)
      for point in instrument.points {
        guard let labels = workloadLabels(point.workload) else { continue }
        appendMessage(point, family, labels, to: &page.bytes)
      }
      page.bytes.endMessage(start)
      page.drain()
    }
  }

  /// What comes last.
  package func end(_ format: PrometheusFormat, to page: inout [UInt8]) {
    if format == .openMetrics { page.append("# EOF\n") }
  }

  private mutating func family(
    _ index: Int, _ descriptor: InstrumentDescriptor
  ) -> PrometheusFamily {
    if index < families.count, let known = families[index], known.descriptor == descriptor {
      return known
    }
    let family = PrometheusFamily(descriptor)
    while families.count <= index { families.append(nil) }
    families[index] = family
    return family
  }
}

/// An instrument as Prometheus has it: its name, and its head in each form.
struct PrometheusFamily {
  // io.prometheus.client.MetricType
  static let counterType: UInt64 = 0
  static let gaugeType: UInt64 = 1
  static let histogramType: UInt64 = 4

  let descriptor: InstrumentDescriptor
  /// With a counter's `_total`.
  let name: [UInt8]
  /// Without.
  let openMetricsName: [UInt8]
  let textHead: [UInt8]
  let openMetricsHead: [UInt8]
  let protobufHead: [UInt8]

  init(_ descriptor: InstrumentDescriptor) {
    self.descriptor = descriptor
    let name = PrometheusNames.family(descriptor)
    let bare = PrometheusNames.openMetricsFamily(descriptor)
    let unit = PrometheusNames.unit(descriptor)
    self.name = Array(name.utf8)
    openMetricsName = Array(bare.utf8)
    let (word, type): (String, UInt64) =
      switch descriptor.kind {
      case .counter: ("counter", PrometheusFamily.counterType)
      case .upDownCounter, .gauge: ("gauge", PrometheusFamily.gaugeType)
      case .histogram: ("histogram", PrometheusFamily.histogramType)
      }
    var text: [UInt8] = []
    text.append("# HELP \(name) ")
    text.append(help: descriptor.help, quotes: false)
    text.append("\n# TYPE \(name) \(word)\n")
    textHead = text
    var open: [UInt8] = []
    open.append("# TYPE \(bare) \(word)\n")
    if let unit { open.append("# UNIT \(bare) \(unit)\n") }
    open.append("# HELP \(bare) ")
    open.append(help: descriptor.help, quotes: true)
    open.append("\n")
    openMetricsHead = open
    var message: [UInt8] = []
    message.append(field: 1, name)
    message.append(field: 2, descriptor.help)
    message.append(field: 3, type)
    // Before the metrics, though of a higher number: the order of fields is free.
    if let unit { message.append(field: 5, unit) }
    protobufHead = message
  }
}
