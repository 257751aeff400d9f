// SPDX-License-Identifier: Apache-2.0
// All that the agent exports, for people: read from the rows that the encoder and the instruments
// are made of.

internal import Export
internal import Identity
internal import Metrics
package import OTLP
internal import Probes

/// An event as it is told of.
package struct EventDescription: Sendable {
  package let name: String
  package let when: String
  package let severities: String
  package let attributes: [AttributeUse]
}

package struct MetricDescription: Sendable {
  package let name: String
  /// OpenTelemetry's word for the instrument.
  package let instrument: String
  package let unit: String
  package let help: String
  package let prometheusName: String
  package let attributes: [AttributeUse]
}

package enum TelemetryTable {
  package static let schemaURL = ResourceBuilder.schemaURL

  package static let events = EventRow.all.map {
    EventDescription(
      name: $0.name, when: $0.when, severities: $0.severities, attributes: $0.attributes)
  }

  /// Of workloads, each with a Resource of its own.
  package static let workloadMetrics: [MetricDescription] =
    ([AgentInstruments.executions]
    + probeRows.flatMap { $0.histograms?.instruments ?? [] }).map(description)

  /// Of the agent itself.
  package static let agentMetrics: [MetricDescription] =
    (probeRows.compactMap { $0.histograms?.untracked?.instrument } + AgentInstruments.own)
    .map(description)

  package static let agentResource = ResourceBuilder.agentAttributes
  package static let workloadResource = ResourceBuilder.workloadAttributes

  /// On the one series of an instrument that takes what found no room.
  package static let overflow = AttributeRow(
    "otel.metric.overflow", .boolean, .stable, "in place of all others, on the series for the rest")

  /// What tells series apart, by name.
  private static let seriesAttributes: [AttributeUse] = [
    AttributeUse(.errorType, when: "when there is an errno"), AttributeUse(.outcome),
    AttributeUse(.cause), AttributeUse(.device), AttributeUse(.operation),
    AttributeUse(AttributeRow("event", .string, "name of the event, or unknown")),
    AttributeUse(
      AttributeRow("destination", .string, "otlp, file, or metrics where there is no other"),
      when: "unless it is lost to all of them"),
    AttributeUse(AttributeRow("hop", .string, "where events ended")),
    AttributeUse(AttributeRow("reason", .string, "why they ended there")),
    AttributeUse(AttributeRow("signal", .string, "logs, metrics or all")),
    AttributeUse(AttributeRow("outcome", .string, "delivered, dropped or retried")),
    AttributeUse(AttributeRow("owner", .string, "what the memory is for")),
  ]

  private static func description(_ descriptor: InstrumentDescriptor) -> MetricDescription {
    MetricDescription(
      name: descriptor.name, instrument: word(descriptor.kind), unit: descriptor.unit,
      help: descriptor.help, prometheusName: PrometheusNames.family(descriptor),
      attributes: descriptor.attributeKeys.map { key in
        // One that is not told of yet is still listed; a test holds that there is none.
        seriesAttributes.first { $0.row.name == key }
          ?? AttributeUse(AttributeRow(key, .string, ""))
      })
  }

  private static func word(_ kind: InstrumentKind) -> String {
    switch kind {
    case .counter: "counter"
    case .upDownCounter: "updowncounter"
    case .gauge: "gauge"
    case .histogram: "histogram"
    }
  }
}
