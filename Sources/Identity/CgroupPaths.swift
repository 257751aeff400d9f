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

  /// Index is the hierarchy of a key: v2, v1 cpu, v1 memory.
  private let mounts: [Mount?]

  /// Looks up where the hierarchies are mounted; one that is not leaves its keys without paths.
  public init(mountinfo: String = "/proc/self/mountinfo") {
    var points: [String?] = [nil, nil, nil]
    let text = (try? readFile(mountinfo, limit: 1 << 20)) ?? []
    for line in text.split(separator: 10) {
      let words = line.split(separator: 32).map { String(decoding: $0, as: UTF8.self) }
      // … point options - type source superblock-options
      guard let dash = words.firstIndex(of: "-"), words.count > dash + 3, words.count > 4 else {
        continue
      }
      let options = words[dash + 3].split(separator: ",")
      switch words[dash + 1] {
      case "cgroup2": points[0] = points[0] ?? words[4]
      case "cgroup" where options.contains("cpu"): points[1] = points[1] ?? words[4]
      case "cgroup" where options.contains("memory"): points[2] = points[2] ?? words[4]
      default: break
      }
    }
    mounts = points.map { point in
      guard let point else { return nil }
      let raw = unsafe open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      return raw < 0 ? nil : Mount(point: point, descriptor: raw)
    }
  }

  deinit {
    for mount in mounts { if let mount { close(mount.descriptor) } }
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

  /// Whether the kernel says that a cgroup no longer exists.
  ///
  /// One that has no path may be alive: its hierarchy is not mounted here, or privilege is missing.
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

/// The container id in a cgroup's path, when its last part is one or wraps one.
///
/// Runtimes write the id alone (`…/<64 hex>`), or as `<runtime>-<64 hex>` with or without `.scope`.
public func containerID(inCgroupPath path: String) -> String? {
  guard var last = path.split(separator: "/").last else { return nil }
  if last.hasSuffix(".scope") { last = last.dropLast(6) }
  let id = last.suffix(64)
  guard id.utf8.count == 64, id.utf8.allSatisfy(isLowerHex) else { return nil }
  let prefix = last.dropLast(64)
  return prefix.isEmpty || prefix.hasSuffix("-") ? String(id) : nil
}

private func isLowerHex(_ byte: UInt8) -> Bool {
  (48...57).contains(byte) || (97...102).contains(byte)
}
