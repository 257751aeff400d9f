// SPDX-License-Identifier: Apache-2.0
// Loads a probe with the best hooks that this kernel allows.

package import CApusABI
package import Config
package import Kernel
internal import Platform

/// What this kernel makes of the probes: knobs that all have in common, and which build is better.
package struct ProbeDefaults: Sendable {
  package let knobs: apus_knobs
  private let isStorageSafe: Bool
  /// Of the tracepoints that some probe can do without, those that this kernel lacks.
  private let missingTracepoints: Set<String>

  /// Asks the kernel's type information.
  package init(selfPID: UInt32) {
    let types = KernelTypes()
    var knobs = apus_knobs()
    knobs.self_pid = selfPID
    knobs.uid = UInt32.max
    knobs.cpus = UInt32(Features.possibleCPUs)
    knobs.replicas = 1
    switch types {
    case .some(let types):
      // 6.16 added group_dead.
      let count = types.argumentCount(ofTracepoint: "sched_process_exit") ?? 1
      knobs.exit_tells_group_dead = count >= 2 ? 1 : 0
      // 6.17 added err.
      let retransmit = types.argumentCount(ofTracepoint: "tcp_retransmit_skb") ?? 2
      knobs.retransmit_tells_error = retransmit >= 3 ? 1 : 0
      // 5.11 took the request_queue away.
      let issue = types.argumentCount(ofTracepoint: "block_rq_issue") ?? 1
      knobs.block_tells_queue = issue >= 2 ? 1 : 0
      // Before 6.4 task storage comes from kmalloc, which under the run queue's lock may wake
      // kswapd and so take that lock again (bpf_mem_alloc came with storage_ma; a later kernel has
      // kmalloc_nolock instead).
      isStorageSafe = types.has(
        struct: "bpf_local_storage_map", memberAmong: ["storage_ma", "use_kmalloc_nolock"])
      missingTracepoints = Set(
        probeRows.flatMap(\.optionalHooks).filter {
          !$0.contains("/") && types.argumentCount(ofTracepoint: $0) == nil
        })
    case .none:
      isStorageSafe = false
      missingTracepoints = []
    }
    self.knobs = knobs
  }

  /// A program of a tracepoint that does not exist would keep its whole object from loading.
  package func isMissing(tracepoint: String) -> Bool { missingTracepoints.contains(tracepoint) }

  /// What the agent loads a probe with.
  package func plan(_ row: ProbeRow, _ settings: Settings) -> ProbePlan {
    var plan = ProbePlan(knobs: knobs)
    plan.hooks = settings.hooks
    if let histograms = row.histograms {
      plan.slots = histograms.slots(settings)
      plan.knobs.replicas = UInt32(SlotHistograms.replicas(cpus: Int(knobs.cpus)))
    }
    row.configure(settings, &plan)
    return plan
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

  /// Opens, adjusts and loads a probe; the next build is tried when the kernel refuses one.
  package func load(
    _ row: ProbeRow, _ plan: ProbePlan, _ shared: borrowing SharedMaps
  ) throws(KernelError) -> BPFObject {
    var refusal: KernelError?
    for variant in variants(of: row, plan.hooks) {
      do throws(KernelError) {
        var object = try BPFObject(row.name, variant: variant)
        var knobs = plan.knobs
        try shared.join(&object, &knobs)
        if object.has(map: ".rodata.knobs") { try object.set(knobs: knobs) }
        if row.histograms != nil {
          try SlotHistograms.size(
            object, slots: plan.slots, replicas: Int(knobs.replicas), cpus: Int(knobs.cpus))
        }
        for hook in row.optionalHooks where isMissing(tracepoint: hook) {
          object.leaveOut(hook: hook, why: "this kernel does not have it")
        }
        for (tracepoint, programs) in row.standIns where !isMissing(tracepoint: tracepoint) {
          object.leaveOut(programs)
        }
        leaveOutWhatIsRefused(row, &object)
        row.adjust(object, plan)
        try object.load()
        object.choice = choice(row, plan.hooks, refusal)
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

  private func choice(
    _ row: ProbeRow, _ preference: HookPreference, _ refusal: KernelError?
  ) -> String {
    if let refusal { return "as the other was refused (\(refusal))" }
    if preference != .auto { return "as hooks: \(preference.rawValue) asks" }
    return row.storesUnderRunqueueLock && !isStorageSafe
      ? "as this kernel's task storage may take the run queue's lock again (before 6.4)"
      : "the better one, which this kernel takes"
  }

  /// Programs that this process may not load or this kernel does not know, and that can be missed:
  /// one of them would keep the whole object from loading.
  private func leaveOutWhatIsRefused(_ row: ProbeRow, _ object: inout BPFObject) {
    if row.optionalHooks.contains("cgroup/"), !Capabilities.mayAdministerNetwork {
      object.leaveOut(hook: "cgroup/", why: "it needs CAP_NET_ADMIN")
    }
    if let last = row.last, !Features.hasMapWalk {
      object.leaveOut(program: last, why: "this kernel has no bpf_for_each_map_elem (5.13)")
    }
  }
}
