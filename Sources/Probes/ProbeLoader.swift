// SPDX-License-Identifier: Apache-2.0
// Loads a probe with the best hooks that this kernel allows, and tells what was taken.

package import CApusABI
package import Config
package import Kernel
internal import Platform

/// What this kernel makes of the probes: knobs that all have in common, and which build is better.
package struct ProbeDefaults: Sendable {
  package var knobs: apus_knobs
  private let isStorageSafe: Bool

  /// Asks the kernel's type information.
  package init(selfPID: UInt32, wakeBytes: UInt32) {
    let types = KernelTypes()
    knobs = apus_knobs()
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
  }

  /// The builds to try, best first.
  fileprivate func variants(of probe: Probe, _ preference: HookPreference) -> [HookVariant] {
    switch preference {
    case .auto where probe == .runqlat && !isStorageSafe: [.compatible, .modern]
    case .auto: [.modern, .compatible]
    case .modern: [.modern]
    case .compatible: [.compatible]
    }
  }
}

/// Opens, adjusts and loads a probe; the next variant is tried when the kernel refuses one.
package func load(
  _ probe: Probe, _ defaults: ProbeDefaults, preferring preference: HookPreference,
  adjust: (borrowing BPFObject) throws(KernelError) -> Void
) throws(KernelError) -> BPFObject {
  var refusal: KernelError?
  for variant in defaults.variants(of: probe, preference) {
    do throws(KernelError) {
      let object = try BPFObject(probe, variant: variant)
      try object.set(knobs: defaults.knobs)
      try adjust(object)
      try object.load()
      return object
    } catch {
      Log.debug(
        "probe refused", ["probe": probe.rawValue, "variant": variant.rawValue, "why": "\(error)"])
      // The first refusal is about the hooks that are wanted; the last only about the fallback.
      refusal = refusal ?? error
    }
  }
  guard let refusal else { preconditionFailure("a preference names at least one variant") }
  throw refusal
}

/// The section prefix of programs that report failed execs; they need tracefs, and may be missing.
package let failedExecSections = "tracepoint/syscalls/"

/// Loads the execve probe onto a ring and a ledger.
package func loadExecve(
  _ preference: HookPreference, _ defaults: ProbeDefaults, ring: borrowing SharedMap,
  ledger: borrowing SharedMap
) throws(KernelError) -> BPFObject {
  try load(.execve, defaults, preferring: preference) { object throws(KernelError) in
    try object.share(ring)
    try object.share(ledger)
    if defaults.knobs.failed == 0 { object.leaveOut(sectionsStarting: failedExecSections) }
  }
}

/// Loads the runqlat probe with room for `slots` histograms.
package func loadRunqlat(
  _ preference: HookPreference, _ defaults: ProbeDefaults, slots: Int, ledger: borrowing SharedMap
) throws(KernelError) -> BPFObject {
  try load(.runqlat, defaults, preferring: preference) { object throws(KernelError) in
    try object.share(ledger)
    try SlotHistograms.size(
      object, slots: slots, replicas: Int(defaults.knobs.replicas),
      cpus: Int(defaults.knobs.cpus))
  }
}
