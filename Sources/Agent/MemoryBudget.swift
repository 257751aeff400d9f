// SPDX-License-Identifier: Apache-2.0
// What the agent may take at most: the sum of every bound, in user space and in BPF maps.

internal import CApusABI
package import Config
internal import Export
internal import Identity
internal import Kernel
internal import Metrics
internal import OTLP
internal import Probes
internal import Serve

/// Computed at start from the configuration; reported in the log, as a metric and by the doctor.
package struct MemoryBudget: Sendable {
  package private(set) var parts: [(owner: String, bytes: Int)] = []

  package var total: Int { parts.reduce(0) { $0 + $1.bytes } }

  /// Arenas that wait for the next batch; more are freed, so that a burst leaves nothing behind.
  static let arenasIdle = 2

  /// Room for a batch and the record that goes beyond its size.
  static func arenaBytes(_ settings: Settings) -> Int {
    settings.export.batchBytes + EventSink.recordBytesMax
  }

  /// For this configuration on a node with `cpus` possible CPUs.
  package init(_ settings: Settings, cpus: Int) {
    let arenaBytes = MemoryBudget.arenaBytes(settings)
    let queues = Exporter.queueCount(settings)
    let buffers = settings.buffers
    let isPerf = buffers.preference == .perf || buffers.preference == .auto && !EventBuffer.hasRing
    parts.append(
      (
        isPerf ? "perf buffers" : "ring",
        isPerf
          ? cpus * PerfReader.bytesPerCPU(total: buffers.ringBytes, cpus: cpus) : buffers.ringBytes
      ))
    for row in probeRows where row.isWanted(settings) {
      parts += row.memory(settings, cpus)
      parts += row.histograms?.memory(row.name, settings, cpus: cpus) ?? []
    }
    // Names, label text and the Resource of a workload of its own: 2 KB each as measured.
    parts.append(("execution series", ExecutionCounts.limit * 2048))
    if settings.metricForm.temporality != .cumulative {
      let slots = MemoryBudget.histograms(settings)
      parts.append(
        (
          "earlier points",
          slots * (SeriesDeltas.histogramBytesMax + SeriesDeltas.counterBytesMax)
            + ExecutionCounts.limit * SeriesDeltas.counterBytesMax
        ))
    }
    parts.append(("workload table", WorkloadTable.bytesMax))
    if settings.listen != nil { parts += MemoryBudget.http(settings) }
    parts.append(
      ("ledger", cpus * Int(APUS_KIND_COUNT.rawValue) * MemoryLayout<apus_ledger_cell>.size))
    parts.append(
      ("open batches", (2 + MemoryBudget.arenasIdle + LogBatchBuilder.recycledMax) * arenaBytes))
    for (owner, bytes) in Exporter.memory(settings) where bytes > 0 { parts.append((owner, bytes)) }
    // A queue always has room for one batch.
    parts.append(("export queues", queues * max(settings.export.queueBytes, arenaBytes)))
  }
  /// Of all probes together.
  private static func histograms(_ settings: Settings) -> Int {
    probeRows.filter { $0.isWanted(settings) }
      .reduce(0) { $0 + ($1.histograms?.slots(settings) ?? 0) }
  }

  private static func http(_ settings: Settings) -> [(owner: String, bytes: Int)] {
    let limits = HTTPLimits()
    let perConnection =
      limits.connectionByteCount
      + (settings.http.certificate == nil ? 0 : HTTPLimits.connectionByteCountTLS)
    // A line has about 250 bytes; a histogram its buckets, sum, count and what goes with them.
    let lineBytes = 256
    let histogramLines = 26 * settings.prometheus.bucketsPerPower + 4
    let page = (histograms(settings) * histogramLines + ExecutionCounts.limit) * lineBytes
    return [
      ("http connections", Int(limits.connections) * perConnection),
      // Those on their way, one that is larger than the share of who asked for it, the one that is
      // made meanwhile, and a buffer that is kept.
      ("metrics pages", PageBuffers.sentBytesMax + 2 * page + PageBuffers.keptBytesMax),
    ]
  }
}
