// SPDX-License-Identifier: Apache-2.0
// Cgroups that the test makes on this host, in every hierarchy that is mounted.

import Glibc
import OTLP
import Platform
import Testing

@testable import Identity

private let mountPoints = CgroupPaths.mountPoints(
  in: (try? readFile("/proc/self/mountinfo", limit: 1 << 20)) ?? [])

/// Opening by handle needs CAP_DAC_READ_SEARCH, and making cgroups needs root.
private let isRoot = getuid() == 0

/// A cgroup below the root of a hierarchy, removed with its children when it goes.
private struct TestCgroup: ~Copyable {
  let name: String
  let directory: String

  init(below mount: String) throws {
    name = "apus-test-\(getpid())-\(Clock.bootNanoseconds())"
    directory = "\(mount)/\(name)"
    try #require(mkdir(directory, 0o755) == 0)
    try #require(mkdir(directory + "/inner", 0o755) == 0)
  }

  func remove() {
    rmdir(directory + "/inner")
    rmdir(directory)
  }

  deinit { remove() }
}

@Suite("cgroups of this host", .enabled(if: isRoot, "needs root"))
struct CgroupTests {
  static let hierarchies = mountPoints.indices.filter { mountPoints[$0] != nil }

  @Test("a path has a key, and the key that path, until the cgroup is gone", arguments: hierarchies)
  func roundTrip(hierarchy: Int) throws {
    let mount = try #require(mountPoints[hierarchy])
    let paths = CgroupPaths()
    let cgroup = try TestCgroup(below: mount)
    for suffix in ["", "/inner"] {
      let relative = "/\(cgroup.name)\(suffix)"
      let found = paths.key(ofPath: mount + relative)
      let key = try #require(found)
      #expect(key.hierarchy == hierarchy)
      var status = stat()
      #expect(stat(mount + relative, &status) == 0)
      #expect(key.id == UInt64(status.st_ino))
      let path = paths.path(of: key)
      #expect(path == relative)
      let isGone = paths.isGone(key)
      #expect(!isGone)
    }
    let key = paths.key(ofPath: cgroup.directory)
    let inner = paths.key(ofPath: cgroup.directory + "/inner")
    cgroup.remove()
    for key in [try #require(key), try #require(inner)] {
      let path = paths.path(of: key)
      let isGone = paths.isGone(key)
      #expect(path == nil && isGone)
    }
    let again = paths.key(ofPath: cgroup.directory)
    #expect(again == nil)
  }

  @Test("a mount point is the root of its hierarchy")
  func root() throws {
    let hierarchy = try #require(CgroupTests.hierarchies.first)
    let mount = try #require(mountPoints[hierarchy])
    let paths = CgroupPaths()
    let found = paths.key(ofPath: mount)
    let path = paths.path(of: try #require(found))
    #expect(path == "/")
  }

  @Test(
    "a path in a hierarchy that no key names has no key",
    .enabled(if: access("/sys/fs/cgroup/cpuset", F_OK) == 0 && mountPoints[1] != nil, "needs v1"))
  func otherHierarchy() throws {
    let cgroup = try TestCgroup(below: "/sys/fs/cgroup/cpuset")
    let paths = CgroupPaths()
    let key = paths.key(ofPath: cgroup.directory)
    #expect(key == nil)
  }

  @Test("a workload bears its path and container while it lives, and its key's handle for ever")
  func table() throws {
    let hierarchy = try #require(CgroupTests.hierarchies.first)
    let mount = try #require(mountPoints[hierarchy])
    let cgroup = try TestCgroup(below: mount)
    let id = String(repeating: "0123456789abcdef", count: 4)
    let directory = "\(cgroup.directory)/\(id)"
    try #require(mkdir(directory, 0o755) == 0)
    let paths = CgroupPaths()
    let found = paths.key(ofPath: directory)
    let key = try #require(found)
    var table = WorkloadTable(builder: ResourceBuilder(configured: []))
    let workload = table.workload(key)
    #expect(workload.path == "/\(cgroup.name)/\(id)" && workload.containerID == id)
    #expect(
      workload.attributes.map(\.0) == ["process.linux.cgroup", "container.id"])
    let handle = table.handle(of: key.raw)
    let before = try attributes(of: table.resource(of: handle))
    #expect(before["container.id"] == id)
    #expect(before["process.linux.cgroup"] == "/\(cgroup.name)/\(id)")
    rmdir(directory)
    // What was learned stays true.
    let after = try attributes(of: table.resource(of: handle))
    #expect(after == before)
    let gone = table.workload(key)
    let isGone = table.isGone(key)
    #expect(
      gone.path == nil && gone.containerID == nil && gone.attributes.map(\.0) == ["apus.cgroup.key"]
        && isGone)
  }
}
