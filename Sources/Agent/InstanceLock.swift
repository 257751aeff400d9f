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

  /// What the lock's file says; nil when nobody holds the lock or the file cannot be read.
  package static func find() -> RunningAgent? {
    guard let file = try? Descriptor(path: InstanceLock.path, flags: O_RDONLY),
      flock(file.raw, LOCK_SH | LOCK_NB) != 0
    else { return nil }
    return read(InstanceLock.path)
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
struct InstanceLock: ~Copyable {
  fileprivate static let path = "/run/apus.pid"

  private let file: Descriptor
  private let path: String

  /// Takes the lock and writes our pid into its file.
  init(path: String = InstanceLock.path) throws(AgentError) {
    let file = try InstanceLock.open(path)
    guard flock(file.raw, LOCK_EX | LOCK_NB) == 0 else {
      throw .alreadyRunning(pid: RunningAgent.read(path).pid)
    }
    try InstanceLock.write("\(getpid())\n", to: file, path)
    self.file = file
    self.path = path
  }

  /// Tells others where the metrics are.
  borrowing func publish(address: String, demands: [String]) throws(AgentError) {
    let lines = ["\(getpid())", address] + demands
    try InstanceLock.write(lines.map { "\($0)\n" }.joined(), to: file, path)
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
