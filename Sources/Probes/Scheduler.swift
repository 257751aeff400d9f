// SPDX-License-Identifier: Apache-2.0
// The scheduler's probe: runqlat.

internal import CApusABI
internal import Config
internal import Kernel

extension ProbeRow {
  /// Waits for a CPU, as histograms by cgroup.
  package static let runqlat = ProbeRow(
    name: "runqlat", hasRecords: false, hasHistograms: true, optionalSections: nil,
    storesUnderRunqueueLock: true,
    isWanted: { $0.runqlat.enabled },
    configure: { settings, plan in
      plan.slots = settings.runqlat.cgroupsMax
      plan.knobs.slot_by = APUS_SLOT_BY_CGROUP.rawValue
      plan.knobs.replicas = UInt32(SlotHistograms.replicas(cpus: Int(plan.knobs.cpus)))
    },
    adjust: { _, _ in },
    memory: { settings, cpus in
      let slots = settings.runqlat.cgroupsMax
      let replicas = SlotHistograms.replicas(cpus: cpus)
      return [
        ("runqlat maps", SlotHistograms.bytes(slots: slots, replicas: replicas, cpus: cpus)),
        // 240 buckets of 64 bits, and names.
        ("runqlat series", slots * (240 * 8 + 512)),
      ]
    })
}
