// SPDX-License-Identifier: Apache-2.0

import Glibc
import Platform
import Testing

@testable import Agent

@Suite("one agent per node")
struct InstanceLockTests {
  private let path = "/tmp/apus-lock-\(getpid())-\(Clock.bootNanoseconds())"

  private func removeFiles() {
    unlink(path)
    unlink(path + ".lock")
  }

  private func refusal() -> String? {
    do throws(AgentError) {
      _ = try InstanceLock(path: path)
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test("a second holder is refused with the pid of the first, and taken once that has gone")
  func second() throws {
    defer { removeFiles() }
    do {
      let lock = try InstanceLock(path: path)
      #expect(readText(path) == "\(getpid())")
      #expect(
        refusal() == "another agent is running with pid \(getpid()); stop it first, or use the "
          + "tools beside it")
      _ = consume lock
    }
    #expect(refusal() == nil)
    #expect(access(path, F_OK) != 0)
  }

  @Test("a longer pid left by an agent that was killed is replaced whole")
  func stale() throws {
    defer { removeFiles() }
    do {
      let file = try Descriptor(path: path, flags: O_WRONLY | O_CREAT)
      try Array("1234567890123\nrest".utf8).withUnsafeBytes { try file.writeAll($0) }
    }
    let lock = try InstanceLock(path: path)
    #expect(readText(path) == "\(getpid())")
    _ = consume lock
  }

  @Test("a holder that has not written yet is named unknown")
  func empty() throws {
    defer { removeFiles() }
    let lock = try InstanceLock(path: path)
    try #require(truncate(path, 0) == 0)
    #expect(refusal()?.contains("pid unknown;") == true)
    _ = consume lock
  }

  @Test("a directory that is not there is named")
  func missing() {
    var message = ""
    do throws(AgentError) { _ = try InstanceLock(path: "/nonexistent/x") } catch {
      message = "\(error)"
    }
    #expect(
      message == "cannot lock /nonexistent/x.lock: open: No such file or directory (ENOENT); "
        + "give it a writable /run, in a container the host's")
  }

  @Test("who can only read what it says can neither lock it nor be taken for its holder")
  func reader() throws {
    defer { removeFiles() }
    do {
      let lock = try InstanceLock(path: path)
      #expect(RunningAgent.find(path: path)?.pid == "\(getpid())")
      var status = stat()
      try #require(stat(path + ".lock", &status) == 0)
      #expect(status.st_mode & 0o077 == 0)
      _ = consume lock
    }
    #expect(RunningAgent.find(path: path) == nil)
    // As one that was killed leaves it.
    let file = try Descriptor(path: path, flags: O_RDONLY | O_CREAT, mode: 0o644)
    try #require(flock(file.raw, LOCK_EX) == 0)
    #expect(refusal() == nil)
    // Asking takes nothing: the one that starts meanwhile is not refused.
    _ = RunningAgent.find(path: path)
    #expect(refusal() == nil)
  }
}
