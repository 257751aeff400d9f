// SPDX-License-Identifier: Apache-2.0
// The kernel half as one thing: what is loaded together, attached together and gone together.

internal import CApus
internal import CApusABI
internal import Config
internal import Identity
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
  let shared: SharedMaps
  private let probes: [LoadedProbe]

  /// Loads what the configuration asks for; nothing is attached yet.
  init(_ settings: Settings) throws(KernelError) {
    let shared = try SharedMaps(
      bufferBytes: settings.buffers.ringBytes, isPerf: settings.buffers.preference.isPerf,
      socketsMax: ProbeRow.sockets.isWanted(settings) ? settings.socketsMax : 1)
    let ownID = OwnProcess.initialID()
    if ownID == nil {
      Log.warn(
        "the agent cannot leave itself out",
        ["why": "this kernel does not tell its pid in the host's namespace; use hostPID"])
    }
    let defaults = ProbeDefaults(selfPID: ownID ?? 0)
    var probes: [LoadedProbe] = []
    var refusals: [KernelError] = []
    for row in probeRows where row.isWanted(settings) {
      let plan = defaults.plan(row, settings)
      do throws(KernelError) {
        probes.append(LoadedProbe(row, plan, try defaults.load(row, plan, shared)))
      } catch {
        // The others can do without it; a fault of our own build ends the start all the same.
        if case .missing = error { throw error }
        Log.error("probe not loaded", ["probe": "\(row.name)", "why": "\(error)"])
        refusals.append(error)
      }
    }
    if probes.isEmpty, let refusal = refusals.first { throw refusal }
    self.shared = shared
    self.probes = probes
  }

  /// The probes' programs, while this lives.
  var runs: ProgramRuns {
    var runs = ProgramRuns()
    for probe in probes { runs.add(probe.object) }
    return runs
  }

  /// What reads the probes' histograms, while this lives.
  borrowing func makeSamplers(_ parts: SharedParts) throws(KernelError) -> [HistogramSampler] {
    var samplers: [HistogramSampler] = []
    for probe in probes {
      guard let plan = probe.row.histograms else { continue }
      let knobs = probe.plan.knobs
      let histograms = try SlotHistograms(
        probe.object, slots: probe.plan.slots, replicas: Int(knobs.replicas),
        cpus: Int(knobs.cpus))
      samplers.append(
        HistogramSampler(
          histograms, plan, store: parts.store,
          instruments: parts.instruments.histograms["\(probe.row.name)"] ?? [],
          workloads: parts.workloads))
    }
    return samplers
  }

  /// Begins to observe, then learns what there was before; returns what became of each program.
  borrowing func attach() throws(KernelError) -> [HookReport] {
    var reports: [HookReport] = []
    try CgroupPaths.withRoot { root throws(KernelError) in
      for probe in probes {
        try probe.object.attach(optional: probe.row.optionalHooks, cgroup: root)
        reports += probe.object.reports
      }
    }
    for probe in probes {
      do throws(KernelError) { try probe.object.runIterators() } catch {
        Log.warn(
          "what existed before is not known", ["probe": "\(probe.row.name)", "why": "\(error)"])
      }
    }
    return reports
  }

  /// Ends production; the maps stay readable, and nothing is added to them afterwards.
  borrowing func detach() {
    for probe in probes {
      probe.object.detach()
      guard let last = probe.row.last else { continue }
      // What was preempted may still keep something that the last program is to tell.
      capus_wait_for_programs()
      do throws(KernelError) { try probe.object.run(last) } catch {
        Log.warn(
          "what is not over yet is not told", ["probe": "\(probe.row.name)", "why": "\(error)"])
      }
    }
    // A program that was running may still reserve and submit: the last drain must come after it.
    capus_wait_for_programs()
  }
}
