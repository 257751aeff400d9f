// SPDX-License-Identifier: Apache-2.0
// The maps that join all objects of an agent or a tool.

internal import CApusABI
package import Kernel

/// Made before the first object is loaded, and outlives them all.
package struct SharedMaps: ~Copyable {
  package let events: EventBuffer
  package let ledger: SharedMap
  /// Whose sockets are.
  package let owners: SharedMap

  /// An event buffer of about `bufferBytes`, a power of two, and room for the owners of
  /// `socketsMax` sockets; `isPerf` nil takes perf buffers only where the kernel has no ring.
  package init(
    bufferBytes: Int = 65_536, isPerf: Bool? = nil, socketsMax: Int = 1
  ) throws(KernelError) {
    // All or nothing: what cannot be copied cannot be half made.
    let events = try EventBuffer(bytes: bufferBytes, isPerf: isPerf)
    let ledger = try SharedMap.ledger()
    let owners = try SharedMap.owners(count: socketsMax)
    self.events = events
    self.ledger = ledger
    self.owners = owners
  }

  /// Puts the shared maps in place of those that the object declares.
  borrowing func join(
    _ object: inout BPFObject, _ knobs: inout apus_knobs
  ) throws(KernelError) {
    try object.share(ledger)
    if object.has(map: "owners") { try object.share(owners) }
    guard object.has(map: "events") else { return }
    knobs.perf_buffer = events.isPerf ? 1 : 0
    knobs.wake_bytes = UInt32(clamping: events.wakeBytes)
    try object.share(events)
  }
}
