// SPDX-License-Identifier: Apache-2.0
// Block devices by number.

internal import Glibc

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
  public var name: String {
    let numbers = "\(major):\(minor)"
    var room = [CChar](repeating: 0, count: Int(PATH_MAX))
    let length = unsafe readlink("/sys/dev/block/\(numbers)", &room, room.count)
    guard length > 0 else { return numbers }
    let target = String(decoding: room[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return target.split(separator: "/").last.map { String($0).replacing("!", with: "/") } ?? numbers
  }
}
