// SPDX-License-Identifier: Apache-2.0
// The telemetry table as Markdown: docs/telemetry.md.

internal import OTLP

extension TelemetryTable {
  package static var markdown: String {
    var out = """
      # What Apus exports

      Made by `apus describe --markdown` from the tables that the agent encodes with; a test fails
      when this file is older than they are. Attributes are of the semantic conventions
      \(schemaURL.split(separator: "/").last ?? "") where these have them; names that begin with
      `apus.` are ours, and in development. What each means for whom is in the
      [README](../README.md#events).

      ## Events

      OTLP log records with an `event_name`.

      """
    for event in events {
      out += "\n### `\(event.name)`\n\n\(event.when) Severity \(event.severities).\n\n"
      out += table(event.attributes)
    }
    out += "\n## Metrics of workloads\n\n" + table(workloadMetrics)
    out += "\n## Metrics of the agent\n\n" + table(agentMetrics)
    var rows: [AttributeUse] = []
    for attribute in (workloadMetrics + agentMetrics).flatMap(\.attributes)
    where !rows.contains(attribute) { rows.append(attribute) }
    rows.append(AttributeUse(overflow, when: "on the series that takes what found no room"))
    out += "\n## Attributes of metrics\n\n" + table(rows)
    out += "\n## Resource of workloads\n\n" + table(workloadResource)
    out += "\n## Resource of the agent\n\n" + table(agentResource)
    return out
  }

  private static func table(_ attributes: [AttributeUse]) -> String {
    var out = "| Attribute | Type | Unit | Stability | Requirement | Meaning |\n"
    out += "|---|---|---|---|---|---|\n"
    for use in attributes {
      let row = use.row
      let level = use.condition.isEmpty ? use.level : "\(use.level): \(use.condition)"
      out += "| `\(row.name)` | \(row.kind.rawValue) | \(row.unit) | \(row.stability.rawValue) "
      out += "| \(level) | \(row.meaning) |\n"
    }
    return out
  }

  private static func table(_ metrics: [MetricDescription]) -> String {
    var out = "| Metric | Instrument | Unit | Attributes | In Prometheus | Meaning |\n"
    out += "|---|---|---|---|---|---|\n"
    for metric in metrics {
      let names = metric.attributes.map { "`\($0.row.name)`" }.joined(separator: ", ")
      out += "| `\(metric.name)` | \(metric.instrument) | \(metric.unit) | \(names) "
      out += "| `\(metric.prometheusName)` | \(metric.help) |\n"
    }
    return out
  }
}
