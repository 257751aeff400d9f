// SPDX-License-Identifier: Apache-2.0
// The kernel half as one thing: what is loaded together, attached together and gone together.

internal import CApusABI
internal import Config
internal import Kernel
internal import Platform
internal import Probes

/// Owned by the main thread.
struct LoadedProbes: ~Copyable {
  let ring: SharedMap
  let ledger: SharedMap
  private var execve: BPFObject?
  private var runqlat: BPFObject?
  private let dimensions: (slots: Int, replicas: Int, cpus: Int)

  /// Loads what the configuration asks for; nothing is attached yet.
  init(_ settings: Settings) throws(KernelError) {
    let ring = try SharedMap.ring(bytes: UInt32(settings.buffers.ringBytes))
    let ledger = try SharedMap.ledger()
    let preference = settings.hooks
    let ownID = OwnProcess.initialID()
    if ownID == nil {
      Log.warn(
        "the agent cannot leave itself out",
        ["why": "this kernel does not tell its pid in the host's namespace; use hostPID"])
    }
    var defaults = ProbeDefaults(
      selfPID: ownID ?? 0, wakeBytes: UInt32(settings.buffers.ringBytes / 4)
    )
    defaults.knobs.failed = settings.exec.failed ? 1 : 0
    let replicas = SlotHistograms.replicas(cpus: Int(defaults.knobs.cpus))
    defaults.knobs.replicas = UInt32(replicas)
    defaults.knobs.slot_key = APUS_SLOT_BY_CGROUP.rawValue
    let slots = settings.runqlat.cgroupsMax
    let execve =
      settings.exec.enabled
      ? try loadExecve(preference, defaults, ring: ring, ledger: ledger) : nil
    let runqlat =
      settings.runqlat.enabled
      ? try loadRunqlat(preference, defaults, slots: slots, ledger: ledger) : nil
    self.ring = ring
    self.ledger = ledger
    self.execve = execve
    self.runqlat = runqlat
    dimensions = (slots, replicas, Int(defaults.knobs.cpus))
  }

  /// The histograms of the run queue, while this lives; nil when they were not asked for.
  func makeHistograms() throws(KernelError) -> SlotHistograms? {
    guard runqlat != nil else { return nil }
    return try runqlat.histograms(dimensions.slots, dimensions.replicas, dimensions.cpus)
  }

  /// Begins to observe; returns what became of each program.
  mutating func attach() throws(KernelError) -> [HookReport] {
    try execve?.attach(optional: failedExecSections)
    try runqlat?.attach()
    return (execve?.reports ?? []) + (runqlat?.reports ?? [])
  }

  /// Ends production; the maps stay readable.
  mutating func detach() {
    execve?.detach()
    runqlat?.detach()
  }
}

extension Optional where Wrapped == BPFObject, Wrapped: ~Copyable {
  fileprivate borrowing func histograms(
    _ slots: Int, _ replicas: Int, _ cpus: Int
  ) throws(KernelError) -> SlotHistograms? {
    switch self {
    case .some(let object):
      return try SlotHistograms(object, slots: slots, replicas: replicas, cpus: cpus)
    case .none: return nil
    }
  }
}
