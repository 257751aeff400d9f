// SPDX-License-Identifier: Apache-2.0
// The execve probe on this kernel: counts that are exact, filters, and a ring that is full.

import CApusABI
import Config
import Glibc
import Kernel
import Platform
import Probes
import Testing

extension KernelSuite {
  @Suite("executions and exits", .serialized)
  struct ExecveTests {
    @Test(
      "twenty-three execs are twenty-three exec and twenty-three exit records",
      arguments: [HookPreference.modern, .compatible], [false, true])
    func count(preference: HookPreference, isPerf: Bool) throws {
      let program = try UniqueProgram(copyOf: "/bin/sh")
      var fixture = try ExecveFixture(preference, isPerf: isPerf)
      let variant = fixture.object.variant.rawValue
      #expect(variant == preference.rawValue)
      let pids = try (0..<23).map { number in
        let pid = try start(program.path, ["as-told", "-c", "exit \(number)", "é \(number)"])
        #expect(try finish(pid) == number)
        return UInt32(pid)
      }
      let sink = Collector(program.name)
      let isComplete = fixture.drain(into: sink) { $0.execs.count >= 23 && $0.exits.count >= 23 }
      #expect(isComplete)
      let isEven = try fixture.settles(into: sink)
      #expect(isEven)
      #expect(sink.execs.map(\.pid).sorted() == pids.sorted())
      #expect(sink.exits.map(\.pid).sorted() == pids.sorted())
      #expect(sink.disordered == 0)
      let parts = program.path.split(separator: "/").reversed().joined(separator: "/")
      for (number, pid) in pids.enumerated() {
        let exec = try #require(sink.execs.first { $0.pid == pid })
        #expect(exec.arguments == ["as-told", "-c", "exit \(number)", "é \(number)"])
        #expect(exec.name == program.path && exec.path == parts && exec.uid == 0)
        #expect(sink.exits.first { $0.pid == pid }?.code == UInt32(number))
      }
    }

    @Test(
      "with a buffer of 64 KiB that nobody reads, three thousand execs are all accounted for",
      arguments: [HookPreference.modern, .compatible], [false, true])
    func bufferFull(preference: HookPreference, isPerf: Bool) throws {
      let program = try UniqueProgram(copyOf: "/bin/true")
      var fixture = try ExecveFixture(preference, ringBytes: 1 << 16, isPerf: isPerf) {
        $0.uid = lonelyUser
      }
      let script = "i=0; while [ $i -lt 3000 ]; do \(program.path); i=$((i+1)); done"
      #expect(
        try run(
          "setpriv",
          ["setpriv", "--reuid=\(lonelyUser)", "--clear-groups", "/bin/sh", "-c", script]) == 0)
      let sink = Collector(program.name)
      let isEven = try fixture.settles(into: sink)
      #expect(isEven)
      for kind in [APUS_KIND_EXEC, APUS_KIND_EXIT] {
        // Others execute at the same time, and are counted as produced an instant before filtered.
        let isSettled = try becomesTrue {
          let cell = try fixture.cell(kind)
          return cell.produced - cell.filtered_scope == 3001
        }
        let cell = try fixture.cell(kind)
        let read = sink.counts[UInt16(kind.rawValue), default: 0]
        // The shell itself is one more of each.
        #expect(isSettled)
        #expect(cell.ring_full > 0 && cell.filtered_self == 0)
        #expect(read + cell.ring_full == 3001)
        #expect(read > 50)
      }
      #expect(sink.disordered == 0)
    }

    @Test(
      "a turn hands over as many records as its limit, in order, and the last turn fewer",
      arguments: [false, true])
    func limit(isPerf: Bool) throws {
      let program = try UniqueProgram(copyOf: "/bin/true")
      var fixture = try ExecveFixture(isPerf: isPerf) { $0.uid = lonelyUser }
      let script = "i=0; while [ $i -lt 50 ]; do \(program.path); i=$((i+1)); done"
      try run(
        "setpriv", ["setpriv", "--reuid=\(lonelyUser)", "--clear-groups", "/bin/sh", "-c", script])
      fixture.object.detach()
      var sink = Collector(program.name)
      var turns: [Int] = []
      // 51 execs and 51 exits.
      let isRead = becomesTrue {
        turns.append(fixture.reader.drain(into: &sink, limit: 7))
        return sink.total == 102
      }
      #expect(isRead)
      let full = turns.filter { $0 > 0 }
      #expect(full.allSatisfy { $0 <= 7 } && full.count { $0 == 7 } >= 14)
      #expect(full.reduce(0, +) == 102)
      #expect(fixture.reader.drain(into: &sink, limit: 7) == 0)
      #expect(fixture.reader.drain(into: &sink, limit: 0) == 0)
      #expect(sink.execs.count == 50 && sink.disordered == 0)
    }

    @Test(
      "what the agent's own process does is not told, and counted",
      arguments: [HookPreference.modern, .compatible])
    func filteredSelf(preference: HookPreference) throws {
      let program = try UniqueProgram(copyOf: "/bin/true")
      var ends: [CInt] = [-1, -1]
      try #require(pipe(&ends) == 0)
      // Or the process would wait for itself.
      #expect(fcntl(ends[1], F_SETFD, FD_CLOEXEC) == 0)
      // A process whose pid is known before it executes the program.
      let pid = try start("/bin/sh", ["sh", "-c", "read x; exec \(program.path)"], input: ends[0])
      close(ends[0])
      var fixture = try ExecveFixture(preference) { $0.self_pid = UInt32(pid) }
      close(ends[1])
      try finish(pid)
      try run(program.path, ["other"])
      let sink = Collector(program.name)
      let isEven = try fixture.settles(into: sink)
      #expect(isEven)
      #expect(sink.execs.map(\.arguments) == [["other"]])
      #expect(sink.exits.count == 1)
      #expect(sink.execs.allSatisfy { $0.pid != UInt32(pid) })
      #expect(try fixture.cell(APUS_KIND_EXEC).filtered_self == 1)
      #expect(try fixture.cell(APUS_KIND_EXIT).filtered_self == 1)
    }

    @Test(
      "of two users only the one asked for is told, and the other is counted",
      arguments: [HookPreference.modern, .compatible])
    func filteredUser(preference: HookPreference) throws {
      let program = try UniqueProgram(copyOf: "/bin/true")
      var fixture = try ExecveFixture(preference) { $0.uid = lonelyUser }
      for _ in 0..<7 { try run(program.path, ["root"]) }
      for _ in 0..<5 {
        try run(
          "setpriv",
          ["setpriv", "--reuid=\(lonelyUser)", "--clear-groups", program.path, "lonely"])
      }
      let sink = Collector(program.name)
      let isEven = try fixture.settles(into: sink)
      #expect(isEven)
      #expect(sink.execs.count == 5 && sink.exits.count == 5)
      #expect(sink.execs.allSatisfy { $0.uid == lonelyUser && $0.arguments.last == "lonely" })
      // Also the five of setpriv itself, which were still root's.
      #expect(try fixture.cell(APUS_KIND_EXEC).filtered_scope >= 12)
      #expect(try fixture.cell(APUS_KIND_EXIT).filtered_scope >= 7)
    }

    @Test(
      "a cgroup and what lies below it are told, and nothing else",
      .enabled(if: TestCgroup.mount != nil, "needs cgroup2"),
      arguments: [HookPreference.modern, .compatible])
    func filteredCgroup(preference: HookPreference) throws {
      let program = try UniqueProgram(copyOf: "/bin/true")
      let cgroup = try TestCgroup()
      let key = cgroup.key
      var fixture = try ExecveFixture(preference) { $0.cgroup_key = key }
      for _ in 0..<7 { try run(program.path, ["outside"]) }
      for (place, count) in [("", 3), ("/inner", 2)] {
        let procs = "\(cgroup.directory)\(place)/cgroup.procs"
        for _ in 0..<count {
          try run(
            "/bin/sh", ["sh", "-c", "echo $$ > \(procs) && exec \(program.path) in\(place)"])
        }
      }
      let sink = Collector(program.name)
      let isEven = try fixture.settles(into: sink)
      #expect(isEven)
      #expect(sink.execs.count == 5 && sink.exits.count == 5)
      #expect(sink.execs.count { $0.cgroup == cgroup.key } == 3)
      #expect(sink.execs.count { $0.cgroup == cgroup.innerKey } == 2)
      #expect(sink.exits.count { $0.cgroup == cgroup.key } == 3)
      #expect(try fixture.cell(APUS_KIND_EXEC).filtered_scope >= 12)
    }
  }
}
