// SPDX-License-Identifier: Apache-2.0
// `apus describe`: what the agent exports, for people, for programs and for docs/telemetry.md.

internal import Agent
internal import CLI
internal import OTLP

func describe(_ options: DescribeOptions) {
  switch options.form {
  case .markdown: Output.text(TelemetryTable.markdown)
  case .json: Output.line(json().finished())
  case .text: show()
  }
}

private func json() -> JSONLine {
  var object = JSONLine()
  object.add("version", version)
  object.add("schema_url", TelemetryTable.schemaURL)
  object.add(
    "events",
    TelemetryTable.events.map { event in
      var object = JSONLine()
      object.add("name", event.name)
      object.add("when", event.when)
      object.add("severities", event.severities)
      object.add("attributes", event.attributes.map(json))
      return object
    })
  object.add(
    "metrics",
    TelemetryTable.workloadMetrics.map { json($0, of: "workload") }
      + TelemetryTable.agentMetrics.map { json($0, of: "agent") })
  object.add("workload_resource", TelemetryTable.workloadResource.map(json))
  object.add("agent_resource", TelemetryTable.agentResource.map(json))
  return object
}

private func json(_ metric: MetricDescription, of resource: String) -> JSONLine {
  var object = JSONLine()
  object.add("name", metric.name)
  object.add("instrument", metric.instrument)
  object.add("unit", metric.unit)
  object.add("help", metric.help)
  object.add("prometheus", metric.prometheusName)
  object.add("resource", resource)
  object.add("attributes", metric.attributes.map(json))
  return object
}

private func json(_ use: AttributeUse) -> JSONLine {
  var object = JSONLine()
  object.add("name", use.row.name)
  object.add("type", use.row.kind.rawValue)
  object.add("unit", use.row.unit)
  object.add("stability", use.row.stability.rawValue)
  object.add("requirement", use.level)
  object.add("when", use.condition)
  object.add("meaning", use.row.meaning)
  return object
}

private func show() {
  for event in TelemetryTable.events {
    Output.line("EVENT \(event.name)\n  \(event.when) Severity \(event.severities).")
    show(event.attributes)
  }
  for metric in TelemetryTable.workloadMetrics + TelemetryTable.agentMetrics {
    Output.line("METRIC \(metric.name)\n  \(metric.help)")
    Output.line("  \(metric.instrument), \(metric.unit); in Prometheus \(metric.prometheusName)")
    show(metric.attributes)
  }
  Output.line("RESOURCE of workloads")
  show(TelemetryTable.workloadResource)
  Output.line("RESOURCE of the agent")
  show(TelemetryTable.agentResource)
}

private func show(_ attributes: [AttributeUse]) {
  for use in attributes {
    let unit = use.row.unit.isEmpty ? "" : ", \(use.row.unit)"
    let condition = use.condition.isEmpty ? "" : " (\(use.condition))"
    Output.line(
      "  \(left(use.row.name, 33))\(left(use.row.kind.rawValue + unit, 14)) "
        + "\(use.row.meaning)\(condition)")
  }
  Output.line("")
}
