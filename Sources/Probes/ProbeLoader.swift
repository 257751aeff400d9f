// SPDX-License-Identifier: Apache-2.0
// Loads a probe with the best hooks that this kernel allows.

package import CApusABI
internal import Config
package import Kernel
internal import Platform

/// What this kernel makes of the probes: knobs that all have in common, and which build is better.
package struct ProbeDefaults: Sendable {
  package let knobs: apus_knobs
  private let isStorageSafe: Bool

  /// Asks the kernel's type information.
  package init(selfPID: UInt32, wakeBytes: UInt32) {
    let types = KernelTypes()
    var knobs = apus_knobs()
    knobs.self_pid = selfPID
    knobs.wake_bytes = wakeBytes
    knobs.uid = UInt32.max
    knobs.cpus = UInt32(Features.possibleCPUs)
    knobs.replicas = 1
    switch types {
    case .some(let types):
      // 6.16 added group_dead.
      let count = types.argumentCount(ofTracepoint: "sched_process_exit") ?? 1
      knobs.exit_tells_group_dead = count >= 2 ? 1 : 0
      // Before 6.4 task storage comes from kmalloc, which under the run queue's lock may wake
      // kswapd and so take that lock again (bpf_mem_alloc came with storage_ma; a later kernel has
      // kmalloc_nolock instead).
      isStorageSafe = types.has(
        struct: "bpf_local_storage_map", memberAmong: ["storage_ma", "use_kmalloc_nolock"])
    case .none: isStorageSafe = false
    }
    self.knobs = knobs
  }

  /// The builds to try, best first.
  private func variants(of row: ProbeRow, _ preference: HookPreference) -> [HookVariant] {
    switch preference {
    case .auto where row.storesUnderRunqueueLock && !isStorageSafe: [.compatible, .modern]
    case .auto: [.modern, .compatible]
    case .modern: [.modern]
    case .compatible: [.compatible]
    }
  }

  /// Opens, adjusts and loads a probe that keeps histograms only.
  package func load(
    _ row: ProbeRow, _ plan: ProbePlan, ledger: borrowing SharedMap
  ) throws(KernelError) -> BPFObject {
    precondition(!row.hasRecords, "records need a ring")
    return try load(row, plan) { object throws(KernelError) in try object.share(ledger) }
  }

  /// Opens, adjusts and loads a probe.
  package func load(
    _ row: ProbeRow, _ plan: ProbePlan, ring: borrowing SharedMap, ledger: borrowing SharedMap
  ) throws(KernelError) -> BPFObject {
    try load(row, plan) { object throws(KernelError) in
      try object.share(ledger)
      if row.hasRecords { try object.share(ring) }
    }
  }

  /// The next build is tried when the kernel refuses one.
  private func load(
    _ row: ProbeRow, _ plan: ProbePlan, share: (borrowing BPFObject) throws(KernelError) -> Void
  ) throws(KernelError) -> BPFObject {
    var refusal: KernelError?
    for variant in variants(of: row, plan.hooks) {
      do throws(KernelError) {
        let object = try BPFObject(row.name, variant: variant)
        try object.set(knobs: plan.knobs)
        try share(object)
        if row.hasHistograms {
          try SlotHistograms.size(
            object, slots: plan.slots, replicas: Int(plan.knobs.replicas),
            cpus: Int(plan.knobs.cpus))
        }
        row.adjust(object, plan)
        try object.load()
        return object
      } catch {
        Log.debug(
          "probe refused",
          ["probe": "\(row.name)", "variant": variant.rawValue, "why": "\(error)"])
        // The first refusal is about the hooks that are wanted; the last only about the fallback.
        refusal = refusal ?? error
      }
    }
    guard let refusal else { preconditionFailure("a preference names at least one build") }
    throw refusal
  }
}
