// SPDX-License-Identifier: Apache-2.0
// The attributes that a process shares with its neighbours, encoded once for a run of records.

internal import CApusABI
internal import OTLP

/// User, session, namespaces and cgroup as encoded attributes.
///
/// Owned by the encoder.
///
/// Most records of a moment come from a few users in a few containers, so these nine attributes are
/// copied as a block far more often than they are encoded.
@safe
struct OwnerBlocks: ~Copyable {
  private static let count = 16
  /// Nine attributes with names of at most 40 bytes, and values of at most 11.
  private static let bytesMax = 768

  private struct Owner: Equatable {
    var euid: UInt32
    var uid: UInt32
    var egid: UInt32
    var loginUID: UInt32
    var session: UInt32
    var pidNamespace: UInt32
    var mountNamespace: UInt32
    var cgroup: UInt64

    init(_ process: apus_process) {
      euid = process.euid
      uid = process.uid
      egid = process.egid
      loginUID = process.login_uid
      session = process.session_id
      pidNamespace = process.pid_namespace
      mountNamespace = process.mount_namespace
      cgroup = process.cgroup_key
    }

    /// Which block it has; owners that share one displace each other.
    var place: Int {
      let mixed = cgroup ^ UInt64(pidNamespace) << 8 ^ UInt64(euid) << 16 ^ UInt64(session) << 24
      return Int((mixed &* 0x9e37_79b9_7f4a_7c15) >> 60)
    }
  }

  private struct Block {
    var owner: Owner
    var byteCount: Int
  }

  private let blocks: UnsafeMutableBufferPointer<Block?>
  private let memory: UnsafeMutableRawBufferPointer

  init() {
    unsafe blocks = .allocate(capacity: OwnerBlocks.count)
    unsafe blocks.initialize(repeating: nil)
    unsafe memory = .allocate(byteCount: OwnerBlocks.count * OwnerBlocks.bytesMax, alignment: 64)
  }

  deinit {
    unsafe blocks.deallocate()
    unsafe memory.deallocate()
  }

  /// Writes the block of this process.
  mutating func put(
    _ process: apus_process, _ keys: borrowing EventKeys, _ writer: inout WireWriter
  ) {
    let owner = Owner(process)
    let place = owner.place
    let start = place * OwnerBlocks.bytesMax
    if unsafe blocks[place]?.owner != owner {
      let room = unsafe UnsafeMutableRawBufferPointer(
        rebasing: memory[start..<start + OwnerBlocks.bytesMax])
      var block = unsafe WireWriter(room)
      OwnerBlocks.encode(owner, keys, &block)
      precondition(!block.overflowed, "the names are known")
      unsafe blocks[place] = Block(owner: owner, byteCount: block.count)
    }
    guard let count = unsafe blocks[place]?.byteCount else { return }
    unsafe writer.raw(UnsafeRawBufferPointer(rebasing: memory[start..<start + count]))
  }

  private static func encode(
    _ owner: Owner, _ keys: borrowing EventKeys, _ writer: inout WireWriter
  ) {
    writer.attribute(keys.effectiveUser, int: Int64(owner.euid))
    writer.attribute(keys.realUser, int: Int64(owner.uid))
    writer.attribute(keys.group, int: Int64(owner.egid))
    if owner.loginUID != UInt32.max {
      writer.attribute(keys.loginUser, int: Int64(owner.loginUID))
      writer.attribute(keys.session, int: Int64(owner.session))
    }
    writer.attribute(keys.pidNamespace, int: Int64(owner.pidNamespace))
    writer.attribute(keys.mountNamespace, int: Int64(owner.mountNamespace))
    writer.attribute(keys.cgroup, int: Int64(bitPattern: owner.cgroup))
  }
}
