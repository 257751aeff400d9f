// SPDX-License-Identifier: Apache-2.0
// Loads a probe with the best hooks that this kernel allows, and tells what was taken.

package import CApusABI
package import Config
package import Kernel
internal import Platform

extension HookPreference {
  fileprivate var variants: [HookVariant] {
    switch self {
    case .auto: [.modern, .compatible]
    case .modern: [.modern]
    case .compatible: [.compatible]
    }
  }
}

/// What the knobs of every probe have in common.
package struct KnobDefaults: Sendable {
  package var knobs: apus_knobs

  /// Asks the kernel's type information which arguments its tracepoints have.
  package init(selfPID: UInt32, wakeBytes: UInt32) {
    let counts = Features.argumentCounts(ofTracepoints: ["sched_process_exit", "sched_switch"])
    knobs = apus_knobs()
    knobs.self_pid = selfPID
    knobs.wake_bytes = wakeBytes
    knobs.uid = UInt32.max
    // 6.16 added group_dead, 5.18 prev_state.
    knobs.exit_tells_group_dead = counts["sched_process_exit", default: 0] >= 2 ? 1 : 0
    knobs.switch_tells_state = counts["sched_switch", default: 0] >= 4 ? 1 : 0
    knobs.cpus = UInt32(Features.possibleCPUs)
    knobs.replicas = 1
  }
}

/// Opens, adjusts and loads a probe; the next variant is tried when the kernel refuses one.
package func load(
  _ probe: Probe, preferring preference: HookPreference, knobs: apus_knobs,
  adjust: (borrowing BPFObject) throws(KernelError) -> Void
) throws(KernelError) -> BPFObject {
  var refusal: KernelError?
  for variant in preference.variants {
    do throws(KernelError) {
      let object = try BPFObject(probe, variant: variant)
      try object.set(knobs: knobs)
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
  _ preference: HookPreference, knobs: apus_knobs, ring: borrowing SharedMap,
  ledger: borrowing SharedMap
) throws(KernelError) -> BPFObject {
  try load(.execve, preferring: preference, knobs: knobs) { object throws(KernelError) in
    try object.share(ring)
    try object.share(ledger)
    if knobs.failed == 0 { object.leaveOut(sectionsStarting: failedExecSections) }
  }
}

/// Loads the runqlat probe with room for `slots` histograms.
package func loadRunqlat(
  _ preference: HookPreference, knobs: apus_knobs, slots: Int, ledger: borrowing SharedMap
) throws(KernelError) -> BPFObject {
  try load(.runqlat, preferring: preference, knobs: knobs) { object throws(KernelError) in
    try object.share(ledger)
    try SlotHistograms.size(
      object, slots: slots, replicas: Int(knobs.replicas), cpus: Int(knobs.cpus))
  }
}
