// SPDX-License-Identifier: Apache-2.0
// A cgroup of the test's own, and processes in it.

import Glibc
import Platform
import Testing

let isRoot = getuid() == 0

let unifiedMount = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].first {
  access($0 + "/cgroup.procs", F_OK) == 0
}

func becomesTrue(within seconds: UInt64 = 20, _ condition: () throws -> Bool) rethrows -> Bool {
  let deadline = Clock.bootNanoseconds() + seconds * 1_000_000_000
  while try !condition() {
    if Clock.bootNanoseconds() > deadline { return false }
    usleep(500)
  }
  return true
}

/// Tests that load programs take turns over all test targets, which share one process: one of them
/// counts what that process has in the kernel.
struct ProbeTurn {
  private let descriptor: CInt

  init() throws {
    descriptor = open("/tmp/apus-probe-tests.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    try #require(descriptor >= 0 && flock(descriptor, LOCK_EX) == 0)
  }

  func end() { close(descriptor) }
}

/// Removed by `remove`, or at the end.
struct TestCgroup: ~Copyable {
  let name: String
  let directory: String
  let key: UInt64

  /// With a name of its own if none is given.
  init(name: String? = nil) throws {
    let mount = try #require(unifiedMount)
    let name = name ?? "apus-agent-\(getpid())-\(Clock.bootNanoseconds())"
    var status = stat()
    try #require(mkdir("\(mount)/\(name)", 0o755) == 0)
    try #require(stat("\(mount)/\(name)", &status) == 0)
    self.name = name
    directory = "\(mount)/\(name)"
    key = UInt64(status.st_ino)
  }

  /// Runs `count` short processes inside.
  func run(_ count: Int) throws { try repeated(count, "/bin/true") }

  /// Connects `count` times from inside, over loopback, whatever comes of it.
  func connect(_ count: Int, port: UInt16) throws {
    try repeated(count, "(: < /dev/tcp/127.0.0.1/\(port)) 2> /dev/null")
  }

  private func repeated(_ count: Int, _ command: String) throws {
    let script =
      "echo $$ > \(directory)/cgroup.procs || exit 9; i=0; "
      + "while [ $i -lt \(count) ]; do \(command); i=$((i+1)); done"
    try #require(system("/bin/bash -c '\(script)'") == 0)
  }

  func remove() -> Bool {
    let directory = self.directory
    return becomesTrue { rmdir(directory) == 0 || errno == ENOENT }
  }

  deinit { _ = remove() }
}
