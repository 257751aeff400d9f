// SPDX-License-Identifier: Apache-2.0
// Processes, programs and cgroups of the test's own, for tests on the real kernel.

import Glibc
import Platform
import Testing

/// Loading programs, changing users and making cgroups all need it.
let isRoot = getuid() == 0

/// A user that nobody is, so that what it runs is this test's.
let lonelyUser: UInt32 = 54_321

/// Whether `condition` came true within `seconds`.
func becomesTrue(within seconds: UInt64 = 20, _ condition: () throws -> Bool) rethrows -> Bool {
  let deadline = Clock.bootNanoseconds() + seconds * 1_000_000_000
  while try !condition() {
    if Clock.bootNanoseconds() > deadline { return false }
    usleep(500)
  }
  return true
}

/// Starts a program and returns its pid; its standard input is `input`.
func start(_ path: String, _ arguments: [String], input: CInt? = nil) throws -> pid_t {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  if let input { posix_spawn_file_actions_adddup2(&actions, input, 0) }
  let words = arguments.map { strdup($0) } + [nil]
  defer { for word in words { free(word) } }
  var pid: pid_t = 0
  try #require(posix_spawnp(&pid, path, &actions, nil, words, environ) == 0)
  return pid
}

/// Runs a program to its end and returns its exit code; -1 when it was killed.
@discardableResult
func run(_ path: String, _ arguments: [String]) throws -> Int32 {
  try finish(start(path, arguments))
}

@discardableResult
func finish(_ pid: pid_t) throws -> Int32 {
  var status: Int32 = 0
  while waitpid(pid, &status, 0) < 0 { try #require(errno == EINTR) }
  return status & 0x7f == 0 ? status >> 8 & 0xff : -1
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

/// A copy of a program under a name that no other process on this machine has.
struct UniqueProgram: ~Copyable {
  private static let directoryTemplate = "/tmp/apus-kernel-XXXXXX"

  let name: String
  let path: String
  private let directory: String

  init(copyOf original: String) throws {
    var template = Array(UniqueProgram.directoryTemplate.utf8CString)
    try #require(mkdtemp(&template) != nil)
    let directory = String(
      decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    chmod(directory, 0o755)
    // The kernel keeps 15 bytes of a name.
    let name = "u" + directory.suffix(6) + "\(getpid() % 100_000)"
    try #require(run("cp", ["cp", original, "\(directory)/\(name)"]) == 0)
    self.directory = directory
    self.name = name
    path = "\(directory)/\(name)"
  }

  deinit {
    unlink(path)
    rmdir(directory)
  }
}

/// A cgroup of the unified hierarchy with one inside it, both removed at the end.
struct TestCgroup: ~Copyable {
  static let mount = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].first {
    access($0 + "/cgroup.procs", F_OK) == 0
  }

  let directory: String
  /// As the kernel half writes it.
  let key: UInt64
  let innerKey: UInt64

  init() throws {
    let mount = try #require(TestCgroup.mount)
    let directory = "\(mount)/apus-kernel-\(getpid())-\(Clock.bootNanoseconds())"
    try #require(mkdir(directory, 0o755) == 0)
    try #require(mkdir(directory + "/inner", 0o755) == 0)
    var (outer, inner) = (stat(), stat())
    try #require(stat(directory, &outer) == 0 && stat(directory + "/inner", &inner) == 0)
    self.directory = directory
    key = UInt64(outer.st_ino)
    innerKey = UInt64(inner.st_ino)
  }

  deinit {
    // A process that has ended may keep its cgroup busy for a moment.
    let directory = self.directory
    _ = becomesTrue(within: 5) { rmdir(directory + "/inner") == 0 || errno == ENOENT }
    _ = becomesTrue(within: 5) { rmdir(directory) == 0 }
  }
}
