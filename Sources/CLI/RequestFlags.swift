// SPDX-License-Identifier: Apache-2.0
// The operation and the flags of a block request in 16 bits, as biolatency -F tells them apart.

/// Bits 0 to 3 are the operation, as `enum apus_block_operation` numbers it; the flags follow in
/// the kernel's own order, `REQ_SYNC` being bit 4.
package struct RequestFlags: OptionSet, Hashable, Sendable {
  package let rawValue: UInt16
  package init(rawValue: UInt16) { self.rawValue = rawValue }

  package static let sync = Self(rawValue: 1 << 4)
  package static let metadata = Self(rawValue: 1 << 5)
  package static let priority = Self(rawValue: 1 << 6)
  package static let noMerge = Self(rawValue: 1 << 7)
  package static let idle = Self(rawValue: 1 << 8)
  package static let integrity = Self(rawValue: 1 << 9)
  package static let forcedUnitAccess = Self(rawValue: 1 << 10)
  package static let preFlush = Self(rawValue: 1 << 11)
  package static let readAhead = Self(rawValue: 1 << 12)
  package static let background = Self(rawValue: 1 << 13)
  package static let noWait = Self(rawValue: 1 << 14)
  /// Of a pass-through: data go to the device.
  package static let out = Self(rawValue: 1 << 15)

  package init(operation: UInt16, _ flags: RequestFlags = []) {
    rawValue = operation & 0xf | flags.rawValue & ~0xf
  }

  /// `Sync-Write`: libbpf-tools' words in its order, so that the operation stands last.
  package var words: String {
    let names: [(flag: RequestFlags, name: String)] = [
      (.noWait, "NoWait"), (.background, "Background"), (.readAhead, "ReadAhead"),
      (.preFlush, "PreFlush"), (.forcedUnitAccess, "FUA"), (.integrity, "Integrity"),
      (.idle, "Idle"), (.noMerge, "NoMerge"), (.priority, "Priority"), (.metadata, "Metadata"),
      (.sync, "Sync"),
    ]
    return (names.filter { contains($0.flag) }.map(\.name) + [operationWord])
      .joined(separator: "-")
  }

  private var operationWord: String {
    let words = [
      "Unknown", "Read", "Write", "Flush", "Discard", "SecureErase", "WriteZeroes", "Zone",
      contains(.out) ? "DrvOut" : "DrvIn",
    ]
    let operation = Int(rawValue & 0xf)
    return words.indices.contains(operation) ? words[operation] : "Unknown"
  }
}
