// SPDX-License-Identifier: Apache-2.0
// One agent per node: a lock that the kernel gives back when its holder ends, however it ends.

internal import Glibc
internal import Platform

/// An agent that holds the lock.
package struct RunningAgent: Sendable {
  package let pid: String
  /// Where it serves /metrics; nil when it serves nothing.
  package let address: String?
  /// What a request there needs: "TLS", "a token".
  package let demands: [String]

  /// What an agent says of itself; nil when none holds the lock.
  ///
  /// Who may not open the lock takes the word of the file, if a program of that name has the pid.
  package static func find(path: String = InstanceLock.path) -> RunningAgent? {
    do throws(SystemError) {
      let file = try Descriptor(path: InstanceLock.lockPath(path), flags: O_RDWR)
      return try FileLock.isTaken(file) ? read(path) : nil
    } catch {
      guard error.code == EACCES else { return nil }
    }
    let agent = read(path)
    return readText("/proc/\(agent.pid)/comm") == "apus" ? agent : nil
  }

  /// The pid on the first line, the address on the second, what it demands on the rest; the file
  /// is empty for the moment between the holder's lock and its write.
  fileprivate static func read(_ path: String) -> RunningAgent {
    let lines = (readText(path) ?? "").split(separator: "\n")
    return RunningAgent(
      pid: lines.first.map(String.init) ?? "unknown",
      address: lines.count > 1 ? String(lines[1]) : nil,
      demands: lines.dropFirst(2).map(String.init))
  }
}

/// Holds the lock for as long as it lives.
///
/// What others may read is in another file than the lock: whoever can open a file can lock it, and
/// nobody else shall keep the agent from starting.
struct InstanceLock: ~Copyable {
  fileprivate static let path = "/run/apus.pid"
  fileprivate static func lockPath(_ path: String) -> String { path + ".lock" }

  private let lock: Descriptor
  private let file: Descriptor
  private let path: String

  /// Takes the lock of `path` and writes our pid there.
  init(path: String = InstanceLock.path) throws(AgentError) {
    let lockPath = InstanceLock.lockPath(path)
    let lock = try InstanceLock.open(lockPath, mode: 0o600)
    let isOurs: Bool
    do throws(SystemError) { isOurs = try FileLock.take(lock) } catch {
      throw .lock(path: lockPath, error)
    }
    guard isOurs else { throw .alreadyRunning(pid: RunningAgent.read(path).pid) }
    let file = try InstanceLock.open(path, mode: 0o644)
    try InstanceLock.write("\(getpid())\n", to: file, path)
    self.lock = lock
    self.file = file
    self.path = path
  }

  /// The lock is given back after this, and its file stays: who has it open waits for that one.
  deinit { _ = unsafe unlink(path) }

  /// Tells others where the metrics are.
  borrowing func publish(address: String, demands: [String]) throws(AgentError) {
    let lines = ["\(getpid())", address] + demands
    try InstanceLock.write(lines.map { "\($0)\n" }.joined(), to: file, path)
  }

  private static func open(_ path: String, mode: mode_t) throws(AgentError) -> Descriptor {
    do throws(SystemError) {
      return try Descriptor(path: path, flags: O_RDWR | O_CREAT, mode: mode)
    } catch {
      throw .lock(path: path, error)
    }
  }

  private static func write(
    _ text: String, to file: borrowing Descriptor, _ path: String
  ) throws(AgentError) {
    do throws(SystemError) {
      guard ftruncate(file.raw, 0) == 0, lseek(file.raw, 0, SEEK_SET) == 0 else {
        throw .current("ftruncate")
      }
      try unsafe Array(text.utf8).withUnsafeBufferPointer { bytes throws(SystemError) in
        try unsafe file.writeAll(UnsafeRawBufferPointer(bytes))
      }
    } catch {
      throw .lock(path: path, error)
    }
  }
}
