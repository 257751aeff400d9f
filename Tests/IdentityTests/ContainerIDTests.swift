// SPDX-License-Identifier: Apache-2.0
// Where runtimes put a container's id in a cgroup's path.

import Identity
import Testing

private let id = "3f4e5d6c7b8a99887766554433221100ffeeddccbbaa99887766554433221100"
private let other = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

@Suite("container ids in cgroup paths")
struct ContainerIDTests {
  static let paths: [(path: String, id: String?)] = [
    ("/docker/\(id)", id),
    ("/system.slice/docker-\(id).scope", id),
    ("/kubepods/besteffort/pod0a1b2c3d-1111-2222-3333-444455556666/\(id)", id),
    ("/kubepods.slice/kubepods-pod0a.slice/cri-containerd-\(id).scope", id),
    ("/kubepods.slice/kubepods-burstable.slice/crio-\(id).scope", id),
    ("/machine.slice/libpod-\(id).scope", id),
    ("/machine.slice/libpod-\(id).scope/container", id),
    ("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-\(id).scope", id),
    ("/docker/\(id)/init.scope", id),
    ("/docker/\(id)/system.slice/sshd.service", id),
    ("/docker/\(other)/docker/\(id)", id),
    ("/docker/\(other)/system.slice/docker-\(id).scope/x", id),
    (id, id),
    // The monitor of a container is not in it.
    ("/machine.slice/libpod-conmon-\(id).scope", nil),
    ("/kubepods.slice/crio-conmon-\(id).scope", nil),
    // Not an id.
    ("", nil), ("/", nil), ("//", nil), ("/system.slice/sshd.service", nil),
    ("/docker/\(id.dropLast())", nil), ("/docker/0\(id)", nil), ("/docker/\(id)0", nil),
    ("/docker/\(id.uppercased())", nil), ("/docker/\(id.dropLast())g", nil),
    ("/docker/\(id).service", nil), ("/docker/x\(id).scope", nil), ("/docker/-", nil),
    ("/docker/\(id.dropLast())é", nil),
    ("/kubepods/pod0a1b2c3d-1111-2222-3333-444455556666", nil),
    ("/user.slice/user-1000.slice/session-2.scope", nil),
    ("/lxc/web-1", nil),
  ]

  @Test("the innermost part that is an id, or wraps one, is the container", arguments: paths)
  func table(path: String, id: String?) {
    #expect(containerID(inCgroupPath: path) == id)
  }
}
