// SPDX-License-Identifier: Apache-2.0
// The instruments that are no probe's: executions, and what the agent says of itself.

internal import Metrics
internal import OTLP
internal import Probes

enum AgentInstruments {
  static let executions = InstrumentDescriptor(
    name: "apus.process.executions", unit: "{execution}",
    help: "Programs that were executed, or failed to be.", kind: .counter,
    attributeKeys: [AttributeRow.errorType.name])
  static let produced = InstrumentDescriptor(
    name: "apus.agent.events.produced", unit: "{event}",
    help: "Events at the kernel's hooks, before any filter or buffer.", kind: .counter,
    attributeKeys: ["event"])
  static let delivered = InstrumentDescriptor(
    name: "apus.agent.events.delivered", unit: "{event}",
    help: "Events that a destination has acknowledged.", kind: .counter,
    attributeKeys: ["event", "destination"])
  static let dropped = InstrumentDescriptor(
    name: "apus.agent.events.dropped", unit: "{event}",
    help: "Events that ended before a destination, by place and reason.", kind: .counter,
    attributeKeys: ["event", "destination", "hop", "reason"])
  static let missedRuns = InstrumentDescriptor(
    name: "apus.agent.programs.missed", unit: "{run}",
    help: "Runs of the agent's programs that the kernel left out, since they were running.",
    kind: .counter)
  static let queueSize = InstrumentDescriptor(
    name: "apus.agent.export.queue.size", unit: "By",
    help: "Memory that batches keep while they wait for a destination.", kind: .upDownCounter,
    attributeKeys: ["destination", "signal"])
  static let batches = InstrumentDescriptor(
    name: "apus.agent.export.batches", unit: "{batch}",
    help: "Batches by what became of them.", kind: .counter,
    attributeKeys: ["destination", "signal", "outcome"])
  static let rejected = InstrumentDescriptor(
    name: "apus.agent.export.rejected", unit: "{item}",
    help: "Log records and data points that a destination did not take of batches that it took.",
    kind: .counter, attributeKeys: ["destination", "signal"])
  static let memoryLimit = InstrumentDescriptor(
    name: "apus.agent.memory.limit", unit: "By",
    help: "The most that tables, maps and queues may take, by owner.", kind: .upDownCounter,
    attributeKeys: ["owner"])

  /// Those whose Resource is the agent.
  static let own = [
    produced, delivered, dropped, missedRuns, queueSize, batches, rejected, memoryLimit,
  ]
}
