// SPDX-License-Identifier: Apache-2.0
// What the tools that print records have in common: load, attach, read until Ctrl-C, tell losses.

internal import CApus
internal import CApusABI
internal import CLI
internal import Config
internal import Glibc
internal import Identity
internal import Kernel
internal import Platform
internal import Probes

/// What one tool observes.
struct Tracing {
  private static let bufferBytes = 1 << 20
  /// Of a tool: it looks at what goes on now.
  private static let socketsMax = 16_384
  /// Waiting for a signal is the timer, too: 20 ms are below what a reader notices.
  private static let tickMilliseconds = 20

  /// Records per turn: a fast producer must not keep the tool from its intervals and from Ctrl-C.
  private static let turn = 4096

  /// In the order in which they are loaded and attached.
  let rows: [ProbeRow]
  let buffer: BufferPreference
  /// Whose losses are told at the end, and in which word.
  let kind: apus_kind
  let events: String
  let configure: (inout ProbePlan) -> Void

  /// Calls `ready` when everything is attached, hands records to `sink`, and calls `tick` after
  /// each drain; ends at a signal, or when `tick` says no.
  ///
  /// The last call of `tick` bears `true`: nothing comes after it.
  func run(
    into sink: inout some RecordSink, ready: () -> Void, tick: (Bool) -> Bool
  ) throws(Failure) {
    let signals = Signals(blocking: [SIGINT, SIGTERM, SIGHUP])
    do throws(KernelError) {
      let shared = try SharedMaps(
        bufferBytes: Tracing.bufferBytes, isPerf: buffer.isPerf, socketsMax: Tracing.socketsMax)
      var reader = try shared.events.makeReader()
      let probes = try load(shared)
      try attach(probes)
      ready()
      Output.flush()
      var isLast = false
      var isBehind = false
      while !isLast {
        // A turn that was full is followed at once by the next, but a signal is seen between them.
        let wait = isBehind ? 0 : Tracing.tickMilliseconds
        if signals.wait(milliseconds: wait) != nil { isLast = true }
        if isLast { try detach(probes) }
        repeat {
          isBehind = reader.drain(into: &sink, limit: Tracing.turn) == Tracing.turn
          Output.flush()
        } while isLast && isBehind
        if !tick(isLast) { isLast = true }
        Output.flush()
      }
      try Tool.tellLosses(of: kind, events, shared)
    } catch {
      throw Tool.failure(error)
    }
  }

  /// A class, since an array cannot hold what cannot be copied.
  private final class Loaded {
    let row: ProbeRow
    var object: BPFObject

    init(_ row: ProbeRow, _ object: consuming BPFObject) {
      self.row = row
      self.object = object
    }
  }

  private func load(_ shared: borrowing SharedMaps) throws(KernelError) -> [Loaded] {
    let defaults = ProbeDefaults(selfPID: OwnProcess.initialID() ?? 0)
    var probes: [Loaded] = []
    for row in rows {
      var plan = ProbePlan(knobs: defaults.knobs)
      // Nobody reads a tool's histograms of records that it prints.
      if row.histograms != nil { plan.slots = Int(APUS_SLOT_OVERFLOWS) + 1 }
      plan.knobs.slot_by = APUS_SLOT_BY_NOTHING.rawValue
      configure(&plan)
      probes.append(Loaded(row, try defaults.load(row, plan, shared)))
    }
    return probes
  }

  private func attach(_ probes: [Loaded]) throws(KernelError) {
    try CgroupPaths.withRoot { root throws(KernelError) in
      for probe in probes {
        try probe.object.attach(optional: probe.row.optionalHooks, cgroup: root)
        Tool.tell(probe.object.reports)
      }
    }
    for probe in probes { try probe.object.runIterators() }
  }

  private func detach(_ probes: [Loaded]) throws(KernelError) {
    for probe in probes {
      probe.object.detach()
      // What was preempted may still keep something that the last program is to tell.
      capus_wait_for_programs()
      if let last = probe.row.last { try probe.object.run(last) }
    }
    capus_wait_for_programs()
  }
}
