// SPDX-License-Identifier: Apache-2.0
// From a cgroup's kernel id to its path, in one system call and without walking the tree.

internal import CApus
internal import Glibc
internal import Platform

/// The key of a cgroup as the kernel half writes it: an id, and the hierarchy it belongs to.
public struct CgroupKey: Hashable, Sendable {
  public let raw: UInt64

  public init(_ raw: UInt64) { self.raw = raw }

  /// Bits 60 and 61; see bpf/abi/apus_abi.h.
  var hierarchy: Int { Int(raw >> 60 & 3) }
  var id: UInt64 { raw & ~(3 << 60) }
}

/// Finds cgroups by id.
///
/// Owned by one thread.
///
/// kernfs gives every cgroup directory a file handle that is its id, for both versions, so that
/// opening by handle and reading the link of the descriptor is all. It needs CAP_DAC_READ_SEARCH.
public struct CgroupPaths: ~Copyable {
  private struct Mount {
    let point: String
    let descriptor: CInt
  }

  /// Index is the hierarchy of a key: v2, v1 cpu, v1 memory, v1 blkio.
  private let mounts: [Mount?]

  /// Looks up where the hierarchies are mounted; one that is not leaves its keys without paths.
  public init(mountinfo: String = "/proc/self/mountinfo") {
    let text = (try? readFile(mountinfo, limit: 1 << 20)) ?? []
    let points = CgroupPaths.mountPoints(in: text)
    mounts = points.map { point in
      guard let point else { return nil }
      let raw = unsafe open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      return raw < 0 ? nil : Mount(point: point, descriptor: raw)
    }
  }

  deinit {
    for mount in mounts { if let mount { close(mount.descriptor) } }
  }

  /// The hierarchies that keys may belong to, as far as they are mounted here.
  public static var mounted: [(hierarchy: String, point: String)] {
    let text = (try? readFile("/proc/self/mountinfo", limit: 1 << 20)) ?? []
    let names = ["v2", "v1 cpu", "v1 memory", "v1 blkio"]
    return zip(names, mountPoints(in: text)).compactMap { name, point in point.map { (name, $0) } }
  }

  /// Calls `body` with the root of the default hierarchy, open; -1 where it is not mounted or
  /// cannot be opened, or what is mounted is not the root.
  public static func withRoot<Failure: Error>(
    _ body: (CInt) throws(Failure) -> Void
  ) throws(Failure) {
    let text = (try? readFile("/proc/self/mountinfo", limit: 1 << 20)) ?? []
    let raw = mountPoints(in: text)[0].map {
      unsafe open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    defer { if let raw, raw >= 0 { close(raw) } }
    try body(raw.flatMap { isRoot($0) ? $0 : nil } ?? -1)
  }

  /// In a cgroup namespace what is mounted is a workload's own cgroup; a hierarchy's root is the
  /// first node of its kernfs.
  private static func isRoot(_ descriptor: CInt) -> Bool {
    var status = stat()
    return unsafe descriptor >= 0 && fstat(descriptor, &status) == 0 && status.st_ino == 1
  }

  /// Where v2, v1 cpu, memory and blkio are mounted, as mountinfo says; the first of each.
  static func mountPoints(in text: [UInt8]) -> [String?] {
    var points: [String?] = [nil, nil, nil, nil]
    for line in text.split(separator: 10) {
      let words = line.split(separator: 32)
      // … point options - type source superblock-options
      guard let dash = words.firstIndex(where: { $0.elementsEqual([45]) }),
        words.count > dash + 3, dash > 4
      else { continue }
      let options = String(decoding: words[dash + 3], as: UTF8.self).split(separator: ",")
      let point = unescaped(words[4])
      let type = String(decoding: words[dash + 1], as: UTF8.self)
      // One v1 hierarchy may have both controllers.
      let has = [
        type == "cgroup2", type == "cgroup" && options.contains("cpu"),
        type == "cgroup" && options.contains("memory"),
        type == "cgroup" && options.contains("blkio"),
      ]
      for index in points.indices where has[index] { points[index] = points[index] ?? point }
    }
    return points
  }

  /// The kernel writes blanks and backslashes as three octal digits.
  private static func unescaped(_ word: ArraySlice<UInt8>) -> String {
    var bytes: [UInt8] = []
    var rest = word
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      guard byte == UInt8(ascii: "\\"), digits.count == 3,
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      else {
        bytes.append(byte)
        continue
      }
      bytes.append(value)
      rest = rest.dropFirst(3)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// "/kubepods/…/<container id>" as /proc/PID/cgroup would say; nil when it is gone or unknown.
  public borrowing func path(of key: CgroupKey) -> String? {
    guard key.hierarchy < mounts.count, let mount = mounts[key.hierarchy] else { return nil }
    let raw = capus_open_cgroup(mount.descriptor, key.id)
    guard raw >= 0 else { return nil }
    let directory = Descriptor(owning: raw)
    var room = [CChar](repeating: 0, count: Int(PATH_MAX))
    let length = unsafe readlink("/proc/self/fd/\(directory.raw)", &room, room.count)
    guard length > 0 else { return nil }
    let bytes = room[..<length].map { UInt8(bitPattern: $0) }
    let full = String(decoding: bytes, as: UTF8.self)
    // A directory removed meanwhile reads "… (deleted)".
    guard full.hasPrefix(mount.point), !full.hasSuffix(" (deleted)") else { return nil }
    let path = String(full.dropFirst(mount.point.utf8.count))
    return path.isEmpty ? "/" : path
  }

  /// Whether the kernel says that there is no such cgroup any more.
  ///
  /// Not the same as having no path: without the capability, or where the hierarchy is not mounted,
  /// a cgroup that lives has none either.
  public borrowing func isGone(_ key: CgroupKey) -> Bool {
    guard key.hierarchy < mounts.count, let mount = mounts[key.hierarchy] else { return false }
    let raw = capus_open_cgroup(mount.descriptor, key.id)
    guard raw >= 0 else { return errno == ESTALE }
    close(raw)
    return false
  }

  /// The key of a cgroup given as an absolute path or as one below a mount point.
  public borrowing func key(ofPath path: String) -> CgroupKey? {
    for (hierarchy, mount) in mounts.enumerated() {
      guard let mount else { continue }
      var root = stat()
      guard unsafe fstat(mount.descriptor, &root) == 0 else { continue }
      for candidate in [path, mount.point + "/" + path] {
        var status = stat()
        // What lies elsewhere has another device, however its path is spelt.
        guard unsafe stat(candidate, &status) == 0, status.st_dev == root.st_dev,
          status.st_mode & S_IFMT == S_IFDIR
        else { continue }
        return CgroupKey(UInt64(status.st_ino) | UInt64(hierarchy) << 60)
      }
    }
    return nil
  }
}

/// The id of the container that a cgroup is, or lies in: the innermost part that has one.
///
/// Runtimes write the id alone (`…/<64 hex>`), or as `<runtime>-<64 hex>` with or without `.scope`;
/// what runs inside may make cgroups below (systemd does, and crun always).
public func containerID(inCgroupPath path: String) -> String? {
  for part in path.split(separator: "/").reversed() {
    var name = part
    if name.hasSuffix(".scope") { name = name.dropLast(6) }
    let id = name.suffix(64)
    guard id.utf8.count == 64, id.utf8.allSatisfy(isLowerHex) else { continue }
    let prefix = name.dropLast(64)
    // The monitor beside a container bears its id, and is not in it.
    if prefix.hasSuffix("conmon-") { return nil }
    if prefix.isEmpty || prefix.hasSuffix("-") { return String(id) }
  }
  return nil
}

private func isLowerHex(_ byte: UInt8) -> Bool {
  (48...57).contains(byte) || (97...102).contains(byte)
}
