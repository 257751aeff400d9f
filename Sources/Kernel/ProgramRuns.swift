// SPDX-License-Identifier: Apache-2.0
// How often the kernel did not run programs that it should have.

internal import CLibbpf
internal import Glibc

/// The programs of one or more objects, which must outlive this.
///
/// Any thread may use it.
public struct ProgramRuns: Sendable {
  private var descriptors: [CInt] = []

  public init() {}

  /// Adds the programs of a loaded object.
  public mutating func add(_ object: borrowing BPFObject) {
    descriptors += object.programDescriptors
  }

  /// Runs that were left out because the same program was running on that CPU already; the kernel
  /// counts them from 5.12.
  public func missed() -> UInt64 {
    var sum: UInt64 = 0
    for descriptor in descriptors {
      var info = bpf_prog_info()
      var size = UInt32(MemoryLayout<bpf_prog_info>.size)
      guard unsafe bpf_obj_get_info_by_fd(descriptor, &info, &size) == 0 else { continue }
      sum += info.recursion_misses
    }
    return sum
  }
}
