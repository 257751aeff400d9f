// SPDX-License-Identifier: Apache-2.0
// The kernel half as one thing: what is loaded together, attached together and gone together.

internal import CApus
internal import CApusABI
internal import Config
internal import Kernel
internal import Platform
internal import Probes

/// One probe in the kernel.
///
/// A class, since an array cannot hold what cannot be copied.
private final class LoadedProbe {
  let row: ProbeRow
  let plan: ProbePlan
  var object: BPFObject

  init(_ row: ProbeRow, _ plan: ProbePlan, _ object: consuming BPFObject) {
    self.row = row
    self.plan = plan
    self.object = object
  }
}

/// Owned by the main thread.
struct LoadedProbes: ~Copyable {
  let ring: SharedMap
  let ledger: SharedMap
  private let probes: [LoadedProbe]

  /// Loads what the configuration asks for; nothing is attached yet.
  init(_ settings: Settings) throws(KernelError) {
    let ring = try SharedMap.ring(bytes: UInt32(settings.buffers.ringBytes))
    let ledger = try SharedMap.ledger()
    let ownID = OwnProcess.initialID()
    if ownID == nil {
      Log.warn(
        "the agent cannot leave itself out",
        ["why": "this kernel does not tell its pid in the host's namespace; use hostPID"])
    }
    let defaults = ProbeDefaults(
      selfPID: ownID ?? 0, wakeBytes: UInt32(settings.buffers.ringBytes / 4))
    var probes: [LoadedProbe] = []
    for row in probeRows where row.isWanted(settings) {
      var plan = ProbePlan(knobs: defaults.knobs)
      plan.hooks = settings.hooks
      row.configure(settings, &plan)
      let object = try defaults.load(row, plan, ring: ring, ledger: ledger)
      probes.append(LoadedProbe(row, plan, object))
    }
    self.ring = ring
    self.ledger = ledger
    self.probes = probes
  }

  /// The histograms of a probe, while this lives; nil when the probe was not asked for.
  borrowing func makeHistograms(of row: ProbeRow) throws(KernelError) -> SlotHistograms? {
    guard let probe = probes.first(where: { "\($0.row.name)" == "\(row.name)" }) else { return nil }
    let knobs = probe.plan.knobs
    return try SlotHistograms(
      probe.object, slots: probe.plan.slots, replicas: Int(knobs.replicas), cpus: Int(knobs.cpus))
  }

  /// Begins to observe; returns what became of each program.
  borrowing func attach() throws(KernelError) -> [HookReport] {
    var reports: [HookReport] = []
    for probe in probes {
      try probe.object.attach(optional: probe.row.optionalSections)
      reports += probe.object.reports
    }
    return reports
  }

  /// Ends production; the maps stay readable, and nothing is added to them afterwards.
  borrowing func detach() {
    for probe in probes { probe.object.detach() }
    // A program that was running may still reserve and submit: the last drain must come after it.
    capus_wait_for_programs()
  }
}
