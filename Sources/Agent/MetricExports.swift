// SPDX-License-Identifier: Apache-2.0
// From the store to batches: at each interval all series, and once more those of a workload that
// ends.

internal import Config
internal import Export
internal import Identity
internal import Metrics
internal import OTLP
internal import Platform

extension TemporalityPreference {
  /// Every counter of the agent is a total that is read when a sample is taken, which OpenTelemetry
  /// calls asynchronous: `lowmemory` leaves those cumulative.
  var choice: TemporalityChoice {
    switch self {
    case .cumulative: TemporalityChoice(counters: .cumulative, histograms: .cumulative)
    case .delta: TemporalityChoice(counters: .delta, histograms: .delta)
    case .lowmemory: TemporalityChoice(counters: .cumulative, histograms: .delta)
    }
  }
}

/// Owned by the sample thread.
struct MetricExports: ~Copyable {
  private let store: MetricStore
  private let intake: Intake
  private let workloads: Workloads
  private var builder: MetricBatchBuilder
  private var deltas: SeriesDeltas

  init(_ shared: SharedParts, _ form: MetricForm, version: String) {
    store = shared.store
    intake = shared.intake
    workloads = shared.workloads
    builder = MetricBatchBuilder(
      pool: shared.pool,
      scope: Scope(name: "apus", version: version, schemaURL: ResourceBuilder.schemaURL),
      edges: form.histogram == .explicit ? .durations : nil)
    deltas = SeriesDeltas(form.temporality.choice)
  }

  mutating func export() {
    store.forEachPart(unixNanoseconds: Clock.shared.unixNanoseconds()) { part in
      append(deltas.advance(to: part))
    }
    deltas.endRound()
    finish()
  }

  /// What was counted since the last export, before the store forgets it; what is shared by all has
  /// no end.
  mutating func exportLast(
    _ unixNanoseconds: UInt64, where isEnding: (_ workload: UInt32, SeriesID) -> Bool
  ) {
    store.forEachPart(unixNanoseconds: unixNanoseconds, where: isEnding) { part in
      append(deltas.end(part))
    }
    finish()
  }

  private mutating func append(_ part: MetricSnapshot) {
    builder.append(
      part, resource: { workloads.resource(of: $0) }, emit: { intake.publish($0) })
  }

  private mutating func finish() {
    let outcome = builder.finish { intake.publish($0) }
    guard outcome.tooLarge + outcome.withoutResource > 0 else { return }
    Log.error(
      "metric points could not be encoded",
      ["too_large": "\(outcome.tooLarge)", "without_resource": "\(outcome.withoutResource)"])
  }
}
