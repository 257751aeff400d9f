// SPDX-License-Identifier: Apache-2.0
// What the agent must know of a probe besides its records: one row each.

package import CApusABI
package import Config
package import Kernel
package import Metrics

/// The values that a probe is loaded with.
package struct ProbePlan: Sendable {
  package var knobs: apus_knobs
  /// Histograms that are kept apart, the overflows' included; 0 for a probe that keeps none.
  package var slots = 0
  package var hooks = HookPreference.auto

  package init(knobs: apus_knobs) { self.knobs = knobs }
}

/// What a slot is exported as.
package struct SlotSeries: Equatable, Sendable {
  /// Indices into the plan's instruments: of the spans' histogram, and of the amount's counter.
  package var histogram: Int?
  package var amount: Int?
  /// One per attribute key of those instruments; an empty one is an attribute that is not there.
  package var attributes: [String] = []
}

/// What a probe keeps in histogram slots, and what becomes of them.
package struct HistogramPlan: Sendable {
  /// Histograms that are kept apart, the overflows' included.
  package let slots: @Sendable (Settings) -> Int
  /// In the order in which they are exposed.
  package let instruments: [InstrumentDescriptor]
  package let series: @Sendable (apus_slot_key) -> SlotSeries
  /// Which cell of the ledger counts what never came into a histogram, and as which instrument it
  /// is exported; nil where records say it.
  package let untracked: (kind: apus_kind, instrument: InstrumentDescriptor)?

  /// The bounds on memory: maps in the kernel, and series with their buckets of 64 bits each.
  package func memory(
    _ probe: StaticString, _ settings: Settings, cpus: Int
  ) -> [(owner: String, bytes: Int)] {
    let slots = slots(settings)
    let replicas = SlotHistograms.replicas(cpus: cpus)
    return [
      ("\(probe) maps", SlotHistograms.bytes(slots: slots, replicas: replicas, cpus: cpus)),
      ("\(probe) series", slots * (HistogramShape.bucketsMax * 8 + 1024)),
    ]
  }
}

/// One probe: the NAME of bpf/NAME.bpf.c, when it is wanted, and with what.
package struct ProbeRow: Sendable {
  package let name: StaticString
  /// Whether it writes records into the event buffer.
  package var hasRecords = false
  /// nil for a probe that keeps no histograms.
  package var histograms: HistogramPlan?
  /// Programs whose section contains one of these may be refused; what is missed then is said.
  package var optionalHooks: [String] = []
  /// Programs that are wanted only where the kernel has no such tracepoint: one that says the same
  /// at less cost.
  package var standIns: [(tracepoint: String, programs: String)] = []
  /// Whether its modern build makes task storage under the run queue's lock.
  package var storesUnderRunqueueLock = false
  package let isWanted: @Sendable (Settings) -> Bool
  /// Sets what the configuration says.
  package var configure: @Sendable (Settings, inout ProbePlan) -> Void = { _, _ in }
  /// Leaves programs out that the plan does not want, or that better ones replace.
  package var adjust: @Sendable (borrowing BPFObject, ProbePlan) -> Void = { _, _ in }
  /// The bounds on its memory, by owner, on a node with so many possible CPUs; the histograms' are
  /// added.
  package var memory: @Sendable (Settings, Int) -> [(owner: String, bytes: Int)] = { _, _ in [] }
  /// A program to run once when the others are detached: it tells what is not over yet.
  package var last: String?
}

/// Every probe of the agent, in the order in which they are loaded and attached.
///
/// `sockets` comes after those that ask for a socket's owner: at the socket's end it forgets it.
package let probeRows: [ProbeRow] = [
  .execve, .runqlat, .tcpconnect, .tcpretrans, .sockets, .biolatency,
]
