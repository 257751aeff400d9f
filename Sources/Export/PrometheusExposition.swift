// SPDX-License-Identifier: Apache-2.0
// The page that Prometheus scrapes, in text format 0.0.4. Renders from a snapshot into a buffer
// that is kept between scrapes; owned by the thread that answers.

public import Metrics

public struct PrometheusExposition: ~Copyable {
  public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  private let edges: PrometheusEdges
  /// Rendered labels that every sample carries; may be empty.
  private let commonLabels: [UInt8]
  private let targetInfo: [UInt8]
  /// Families in the order of the snapshot's instruments, rendered when first seen.
  private var families: [Family?] = []

  private struct Family {
    var descriptor: InstrumentDescriptor
    var name: [UInt8]
    var header: [UInt8]
  }

  /// `targetLabels` are the agent's resource attributes; `leExponents` bound the `le` edges, from
  /// about a microsecond to half a minute if not said otherwise.
  public init(
    targetLabels: [UInt8], commonLabels: [UInt8] = [], leExponents: ClosedRange<Int> = -20...5
  ) {
    precondition(leExponents.count <= 64, "a bounded set of edges")
    edges = PrometheusEdges(exponents: leExponents)
    self.commonLabels = commonLabels
    var info: [UInt8] = []
    info.append("# HELP target_info Attributes of the agent and its host.\n")
    info.append("# TYPE target_info gauge\ntarget_info")
    info.append(labels: targetLabels, [], [], [])
    info.append(" 1\n")
    targetInfo = info
  }

  /// Appends the whole page; `workloadLabels` gives the rendered labels of a workload, which are
  /// what makes its samples distinct.
  public mutating func render(
    _ snapshot: MetricSnapshot, workloadLabels: (UInt32) -> [UInt8], to page: inout [UInt8]
  ) {
    page.append(contentsOf: targetInfo)
    for (index, instrument) in snapshot.instruments.enumerated() where !instrument.points.isEmpty {
      let family = family(index, instrument.descriptor)
      page.append(contentsOf: family.header)
      for point in instrument.points {
        append(point, family.name, workloadLabels(point.workload), to: &page)
      }
    }
  }

  private mutating func family(_ index: Int, _ descriptor: InstrumentDescriptor) -> Family {
    if index < families.count, let known = families[index], known.descriptor == descriptor {
      return known
    }
    let name = Array(PrometheusNames.family(descriptor).utf8)
    var header: [UInt8] = []
    header.append("# HELP ")
    header.append(contentsOf: name)
    header.append(" ")
    header.append(help: descriptor.help)
    header.append("\n# TYPE ")
    header.append(contentsOf: name)
    switch descriptor.kind {
    case .counter: header.append(" counter\n")
    case .upDownCounter, .gauge: header.append(" gauge\n")
    case .histogram: header.append(" histogram\n")
    }
    let family = Family(descriptor: descriptor, name: name, header: header)
    while families.count <= index { families.append(nil) }
    families[index] = family
    return family
  }

  private func append(
    _ point: MetricPoint, _ name: [UInt8], _ workload: [UInt8], to page: inout [UInt8]
  ) {
    switch point.value {
    case .integer(let value):
      page.append(contentsOf: name)
      page.append(labels: commonLabels, workload, point.labelText, [])
      page.append(" \(value)\n")
    case .double(let value):
      page.append(contentsOf: name)
      page.append(labels: commonLabels, workload, point.labelText, [])
      page.append(sample: value)
    case .histogram(let value):
      let counts = edges.cumulative(value)
      for (edge, count) in zip(edges.labels, counts) {
        page.append(contentsOf: name)
        page.append("_bucket")
        page.append(labels: commonLabels, workload, point.labelText, edge)
        page.append(" \(count)\n")
      }
      page.append(contentsOf: name)
      page.append("_sum")
      page.append(labels: commonLabels, workload, point.labelText, [])
      page.append(sample: value.sum)
      page.append(contentsOf: name)
      page.append("_count")
      page.append(labels: commonLabels, workload, point.labelText, [])
      page.append(" \(value.count)\n")
    }
  }
}

extension [UInt8] {
  fileprivate mutating func append(_ text: String) { append(contentsOf: text.utf8) }

  /// The parts that are not empty, in braces.
  fileprivate mutating func append(
    labels first: [UInt8], _ second: [UInt8], _ third: [UInt8], _ fourth: [UInt8]
  ) {
    let start = count
    append(part: first, after: start)
    append(part: second, after: start)
    append(part: third, after: start)
    append(part: fourth, after: start)
    if count > start { append(UInt8(ascii: "}")) }
  }

  private mutating func append(part: [UInt8], after start: Int) {
    guard !part.isEmpty else { return }
    append(UInt8(ascii: count == start ? "{" : ","))
    append(contentsOf: part)
  }

  /// A value and the end of its line.
  fileprivate mutating func append(sample value: Double) {
    if value.isNaN {
      append(" NaN\n")
    } else if value.isInfinite {
      append(value < 0 ? " -Inf\n" : " +Inf\n")
    } else {
      append(" \(value)\n")
    }
  }

  fileprivate mutating func append(help: String) {
    for byte in help.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): append(#"\\"#)
      case UInt8(ascii: "\n"): append(#"\n"#)
      default: append(byte)
      }
    }
  }
}
