// SPDX-License-Identifier: Apache-2.0
// One agent per node: a lock that the kernel gives back when its holder ends, however it ends.

internal import Glibc
internal import Platform

/// Holds the lock for as long as it lives.
struct InstanceLock: ~Copyable {
  static let path = "/run/apus.pid"

  private let file: Descriptor

  /// Takes the lock and writes our pid into its file.
  init(path: String = InstanceLock.path) throws(AgentError) {
    let file = try InstanceLock.open(path)
    guard flock(file.raw, LOCK_EX | LOCK_NB) == 0 else {
      // Empty for the moment between the holder's lock and its write.
      let pid = readText(path) ?? ""
      throw .alreadyRunning(pid: pid.isEmpty ? "unknown" : pid)
    }
    try InstanceLock.write("\(getpid())\n", to: file, path)
    self.file = file
  }

  private static func open(_ path: String) throws(AgentError) -> Descriptor {
    do throws(SystemError) {
      return try Descriptor(path: path, flags: O_RDWR | O_CREAT, mode: 0o644)
    } catch {
      throw .lock(path: path, error)
    }
  }

  private static func write(
    _ text: String, to file: borrowing Descriptor, _ path: String
  ) throws(AgentError) {
    do throws(SystemError) {
      guard ftruncate(file.raw, 0) == 0 else { throw .current("ftruncate") }
      try unsafe Array(text.utf8).withUnsafeBufferPointer { bytes throws(SystemError) in
        try unsafe file.writeAll(UnsafeRawBufferPointer(bytes))
      }
    } catch {
      throw .lock(path: path, error)
    }
  }
}
