// SPDX-License-Identifier: Apache-2.0
// What the agent must know of a probe besides its records: one row each.

package import CApusABI
package import Config
package import Kernel

/// The values that a probe is loaded with.
package struct ProbePlan: Sendable {
  package var knobs: apus_knobs
  /// Histograms that are kept apart, the overflow's included; 0 for a probe that keeps none.
  package var slots = 0
  package var hooks = HookPreference.auto

  package init(knobs: apus_knobs) { self.knobs = knobs }
}

/// One probe: the NAME of bpf/NAME.bpf.c, when it is wanted, and with what.
package struct ProbeRow: Sendable {
  package let name: StaticString
  /// Whether it writes records into the ring.
  package let hasRecords: Bool
  /// Whether it keeps histograms in slots.
  package let hasHistograms: Bool
  /// Programs whose section starts so may be refused; what is missed then is said.
  package let optionalSections: String?
  /// Whether its modern build makes task storage under the run queue's lock.
  package let storesUnderRunqueueLock: Bool
  package let isWanted: @Sendable (Settings) -> Bool
  /// Sets what the configuration says.
  package let configure: @Sendable (Settings, inout ProbePlan) -> Void
  /// Leaves programs out that the plan does not want.
  package let adjust: @Sendable (borrowing BPFObject, ProbePlan) -> Void
  /// The bounds on its memory, by owner, on a node with so many possible CPUs.
  package let memory: @Sendable (Settings, Int) -> [(owner: String, bytes: Int)]
}

/// Every probe of the agent, in the order in which they are loaded and attached.
package let probeRows: [ProbeRow] = [.execve, .runqlat]
