// SPDX-License-Identifier: Apache-2.0
// Block devices by number.

internal import Glibc

/// What tells a disk from another that had its number, or its name, before.
public struct DiskIdentity: Equatable, Sendable {
  let name: String
  /// From 5.15 a disk has a number that no other had since the boot; a loop device gets another
  /// with each file.
  let sequence: String?
  /// Its directory's in sysfs, which is made anew with the disk.
  let node: UInt64

  public init(name: String, sequence: String?, node: UInt64) {
    self.name = name
    self.sequence = sequence
    self.node = node
  }
}

/// A device as the kernel half numbers it: major << 20 | minor.
public struct BlockDevice: Hashable, Sendable {
  public let number: UInt32
  /// Requests are a disk's: one knows nothing of partitions.
  public let isPartition: Bool

  /// A disk's.
  public init(number: UInt32) {
    self.number = number
    isPartition = false
  }

  /// The device of this name or path: "sda", "/dev/sda"; nil when there is none.
  public init?(named name: String) {
    let leaf = name.hasPrefix("/dev/") ? String(name.dropFirst(5)) : name
    // In sysfs a slash of a name is an exclamation mark: cciss/c0d0.
    let file = leaf.replacing("/", with: "!")
    guard !file.isEmpty, !file.hasPrefix("."),
      let text = readText("/sys/class/block/\(file)/dev")
    else { return nil }
    isPartition = readText("/sys/class/block/\(file)/partition") != nil
    let parts = text.split(separator: ":").compactMap { UInt32($0) }
    guard parts.count == 2 else { return nil }
    number = parts[0] << 20 | parts[1]
  }

  public var major: UInt32 { number >> 20 }
  public var minor: UInt32 { number & 0xfffff }

  /// "sda"; "8:0" for one that is gone.
  public var name: String { linkedName ?? "\(major):\(minor)" }

  /// nil while there is no such disk.
  public var identity: DiskIdentity? {
    var status = stat()
    guard let name = linkedName, unsafe stat(directory, &status) == 0 else { return nil }
    return DiskIdentity(
      name: name, sequence: readText("\(directory)/diskseq"), node: UInt64(status.st_ino))
  }

  private var directory: String { "/sys/dev/block/\(major):\(minor)" }

  private var linkedName: String? {
    var room = [CChar](repeating: 0, count: Int(PATH_MAX))
    let length = unsafe readlink(directory, &room, room.count)
    guard length > 0 else { return nil }
    let target = String(decoding: room[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return target.split(separator: "/").last.map { String($0).replacing("!", with: "/") }
  }
}
