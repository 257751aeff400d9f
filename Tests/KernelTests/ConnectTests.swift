// SPDX-License-Identifier: Apache-2.0
// What the kernel half does with connects when some of its programs see nothing.

import CApusABI
import Config
import Kernel
import Probes
import Testing

/// Of each connect whose process it is.
private final class ConnectCollector: RecordSink {
  private(set) var pids: [UInt32] = []

  func accept(_ bytes: RawSpan) {
    guard let record = try? Record<apus_connect>(bytes) else { return }
    pids.append(record.process.pid)
  }
}

/// Connects so many times from one process, whose pid it returns.
///
/// All of them on one processor: the kernel gives the memory of the last socket to the next one.
private func connectRepeatedly(to address: String, times: Int) throws -> UInt32 {
  let script = "for i in {1..\(times)}; do true 3<>/dev/tcp/\(address)/9; done 2>/dev/null"
  let pid = try start("taskset", ["taskset", "--cpu-list", "0", "bash", "-c", script])
  try finish(pid)
  return UInt32(pid)
}

extension KernelSuite {
  @Suite("connects of which something goes unseen", .serialized)
  struct ConnectTests {
    @Test(
      "a connect is its own process's, whatever stayed of one where its socket is now",
      arguments: [HookPreference.modern, .compatible])
    func staleEntries(preference: HookPreference) throws {
      let turn = try ProbeTurn()
      defer { turn.end() }
      var row = ProbeRow.tcpconnect
      // The ends of what fails before it is sent.
      row.adjust = { object, _ in
        object.leaveOut("sys_exit_connect")
        object.leaveOut("tcp_destroy_sock")
      }
      let defaults = ProbeDefaults(selfPID: 0)
      var plan = ProbePlan(knobs: defaults.knobs)
      plan.hooks = preference
      plan.slots = 16
      let shared = try SharedMaps(bufferBytes: 1 << 20)
      var object = try defaults.load(row, plan, shared)
      var reader = try shared.events.makeReader()
      try object.attach(optional: row.optionalHooks)
      // TCP refuses a broadcast address before anything is sent.
      let before = try connectRepeatedly(to: "255.255.255.255", times: 64)
      let caller = try connectRepeatedly(to: "127.0.0.1", times: 23)
      object.detach()
      var sink = ConnectCollector()
      while reader.drain(into: &sink, limit: 1024) > 0 {}
      #expect(sink.pids.count { $0 == caller } == 23)
      #expect(!sink.pids.contains(before))
    }
  }
}
