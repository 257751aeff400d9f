// SPDX-License-Identifier: Apache-2.0

import Glibc
import Platform
import Testing

@testable import Agent

@Suite("one agent per node")
struct InstanceLockTests {
  private let path = "/tmp/apus-lock-\(getpid())-\(Clock.bootNanoseconds())"

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
    defer { unlink(path) }
    do {
      let lock = try InstanceLock(path: path)
      #expect(readText(path) == "\(getpid())")
      #expect(
        refusal() == "another agent is running with pid \(getpid()); stop it first, or use the "
          + "tools beside it")
      _ = consume lock
    }
    #expect(refusal() == nil)
  }

  @Test("a longer pid left by an agent that was killed is replaced whole")
  func stale() throws {
    defer { unlink(path) }
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
    defer { unlink(path) }
    let file = try Descriptor(path: path, flags: O_WRONLY | O_CREAT)
    try #require(flock(file.raw, LOCK_EX) == 0)
    #expect(refusal()?.contains("pid unknown;") == true)
  }

  @Test("a directory that is not there is named")
  func missing() {
    var message = ""
    do throws(AgentError) { _ = try InstanceLock(path: "/nonexistent/x") } catch {
      message = "\(error)"
    }
    #expect(
      message == "cannot lock /nonexistent/x: open: No such file or directory (ENOENT); "
        + "give it a writable /run, in a container the host's")
  }
}
