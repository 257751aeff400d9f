// SPDX-License-Identifier: Apache-2.0
// The scheduler's probe: runqlat.

internal import CApusABI
internal import Config
internal import Kernel
internal import Metrics

extension ProbeRow {
  /// Waits for a CPU, as histograms by cgroup.
  package static let runqlat = ProbeRow(
    name: "runqlat",
    histograms: HistogramPlan(
      slots: { $0.runqlat.cgroupsMax },
      instruments: [
        InstrumentDescriptor(
          name: "apus.cpu.runqueue.latency", unit: "s",
          help: "Time that tasks were runnable and waited for a CPU.", kind: .histogram)
      ],
      series: { _ in SlotSeries(histogram: 0) },
      untracked: (
        APUS_KIND_RUNQUEUE,
        InstrumentDescriptor(
          name: "apus.cpu.runqueue.untracked", unit: "{wait}",
          help: "Waits for a CPU whose beginning was not seen, so that they are in no histogram.",
          kind: .counter)
      )),
    storesUnderRunqueueLock: true,
    isWanted: { $0.runqlat.enabled },
    configure: { _, plan in plan.knobs.slot_by = APUS_SLOT_BY_CGROUP.rawValue })
}
