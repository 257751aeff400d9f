// SPDX-License-Identifier: Apache-2.0
// /proc/PID/mountinfo as hosts of different kinds have it.

import Testing

@testable import Identity

@Suite("where cgroups are mounted")
struct MountTests {
  static let fixtures: [(text: String, points: [String?])] = [
    ("", [nil, nil, nil, nil]),
    // Hybrid, controllers joined.
    (
      """
      25 30 0:23 / /sys rw,nosuid shared:7 - sysfs sysfs rw
      31 25 0:27 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755
      32 31 0:28 / /sys/fs/cgroup/unified rw shared:10 - cgroup2 cgroup2 rw,nsdelegate
      34 31 0:30 / /sys/fs/cgroup/cpuset rw shared:15 - cgroup cgroup rw,cpuset
      36 31 0:32 / /sys/fs/cgroup/cpu,cpuacct rw shared:17 - cgroup cgroup rw,cpu,cpuacct
      37 31 0:33 / /sys/fs/cgroup/memory rw shared:18 - cgroup cgroup rw,memory
      38 31 0:34 / /sys/fs/cgroup/systemd rw shared:11 - cgroup cgroup rw,xattr,name=systemd

      """,
      ["/sys/fs/cgroup/unified", "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/memory", nil]
    ),
    // Pure v2, without a line end.
    (
      "35 24 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot",
      ["/sys/fs/cgroup", nil, nil, nil]
    ),
    // No optional fields, several, joined controllers, and mounts that repeat: the first counts.
    (
      """
      40 1 0:40 / /a rw - cgroup2 none rw
      41 1 0:41 / /b rw master:1 propagate_from:2 unbindable - cgroup x rw,memory,cpu,blkio
      42 1 0:40 / /tmp/chroot/a rw - cgroup2 none rw
      43 1 0:41 / /tmp/chroot/b rw - cgroup x rw,memory
      """,
      ["/a", "/b", "/b", "/b"]
    ),
    // Blanks are escaped; a type and a controller that only begin alike are others.
    (
      """
      50 1 0:50 / /my\\040cgroups/a\\134b rw - cgroup2 none rw
      51 1 0:51 / /c rw - cgroup none rw,cpuacct,cpuset,memory2
      52 1 0:52 / /d rw - cgroup3 none rw,cpu
      """,
      ["/my cgroups/a\\b", nil, nil, nil]
    ),
    // Lines that are not whole.
    (
      """
      60
      61 1 0:61 / /x rw - cgroup2
      62 1 0:62 - cgroup2 none rw
      63 1 0:63 / /y rw cgroup2 none rw
      - - - - - - - -
      """,
      [nil, nil, nil, nil]
    ),
  ]

  @Test("the first mount of each hierarchy is found, and nothing else", arguments: fixtures)
  func fixture(text: String, points: [String?]) {
    #expect(CgroupPaths.mountPoints(in: Array(text.utf8)) == points)
  }

  @Test("without mounts no key has a path, none is gone, and no path has a key")
  func nothing() {
    let paths = CgroupPaths(mountinfo: "/nonexistent")
    for raw in [0, 1, 1 << 60, 2 << 60, 3 << 60, .max] as [UInt64] {
      let path = paths.path(of: CgroupKey(raw))
      let isGone = paths.isGone(CgroupKey(raw))
      #expect(path == nil && !isGone)
    }
    let key = paths.key(ofPath: "/sys")
    #expect(key == nil)
  }
}
