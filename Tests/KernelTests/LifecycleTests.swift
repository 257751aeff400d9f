// SPDX-License-Identifier: Apache-2.0
// What stays in the kernel when an object goes, and what is said when it refuses.

import CApusABI
import Config
import Glibc
import Kernel
import Platform
import Probes
import Testing

/// Tests on the real kernel take turns: each loads programs of its own.
@Suite("on the real kernel", .serialized, .enabled(if: isRoot, "needs root"))
struct KernelSuite {}

/// What the kernel says of each descriptor of this process: {"prog_id": "12"} of a program,
/// {"link_id": "3", "prog_id": "12"} of a link.
private func descriptorFields() -> [[Substring: String]] {
  (0..<4096).compactMap { descriptor in
    guard let text = readText("/proc/self/fdinfo/\(descriptor)") else { return nil }
    let lines = text.split(separator: "\n").map {
      $0.split { $0 == ":" || $0 == "\t" || $0 == " " }
    }
    return Dictionary(
      lines.filter { $0.count == 2 }.map { ($0[0], String($0[1])) }, uniquingKeysWith: { $1 })
  }
}

/// The ids of BPF objects that this process has descriptors of: "prog_id 12".
private func ownIDs() -> Set<String> {
  Set(
    descriptorFields().flatMap { fields in
      ["prog_id", "map_id", "link_id"].compactMap { key in fields[key].map { "\(key) \($0)" } }
    })
}

/// The programs of this process's links, in the order in which the links were made.
private func linkedPrograms() -> [Int] {
  let links = descriptorFields().compactMap { fields -> (link: Int, program: Int)? in
    guard let link = fields["link_id"].flatMap({ Int($0) }),
      let program = fields["prog_id"].flatMap({ Int($0) })
    else { return nil }
    return (link, program)
  }
  return links.sorted { $0.link < $1.link }.map(\.program)
}

/// Whether the kernel still has the object of that id.
private func exists(_ id: String) throws -> Bool {
  let words = id.split(separator: " ")
  let kind = words[0].dropLast(3)
  return try run(
    "/bin/sh", ["sh", "-c", "bpftool \(kind) show id \(words[1]) >/dev/null 2>&1"]) == 0
}

extension KernelSuite {
  @Suite("the life of an object", .serialized)
  struct LifecycleTests {
    @Test(
      "when the objects go, no program, map or link of theirs stays",
      .enabled(if: access("/usr/sbin/bpftool", X_OK) == 0, "needs bpftool"),
      arguments: [HookPreference.modern, .compatible])
    func nothingStays(preference: HookPreference) throws {
      let turn = try ProbeTurn()
      defer { turn.end() }
      let before = ownIDs()
      var ids: Set<String> = []
      do {
        let fixture = try ExecveFixture(preference) { $0.failed = 1 }
        let defaults = ProbeDefaults(selfPID: 0)
        var plan = ProbePlan(knobs: defaults.knobs)
        plan.hooks = preference
        plan.slots = 16
        plan.knobs.slot_by = APUS_SLOT_BY_CGROUP.rawValue
        var runqlat = try defaults.load(.runqlat, plan, fixture.shared)
        try runqlat.attach()
        ids = ownIDs().subtracting(before)
        let reports = fixture.object.reports + runqlat.reports
        #expect(reports.count == 7 && reports.allSatisfy { $0.failure == nil })
      }
      // Two hooks and two of failed execs, three of the scheduler.
      #expect(ids.count { $0.hasPrefix("prog_id") } == 7)
      #expect(ids.count { $0.hasPrefix("map_id") } >= 9)
      #expect(ownIDs() == before)
      let areGone = try becomesTrue { try ids.allSatisfy { try !exists($0) } }
      #expect(areGone)
    }

    @Test("what begins is attached after what ends, which stands below it in a file")
    func order() throws {
      let turn = try ProbeTurn()
      defer { turn.end() }
      let fixture = try ExecveFixture(.modern) { $0.failed = 1 }
      let programs = linkedPrograms()
      // They are loaded, and so numbered, in the order of the file.
      #expect(programs.count == fixture.object.reports.count && programs.count == 4)
      #expect(programs == programs.sorted(by: >))
      #expect(fixture.object.reports.first?.program == "on_exec")
    }

    @Test("a detached object's maps stay readable, and nothing is added to them")
    func detached() throws {
      let program = try UniqueProgram(copyOf: "/bin/true")
      var fixture = try ExecveFixture()
      try run(program.path, ["one"])
      let sink = Collector(program.name)
      let isEven = try fixture.settles(into: sink)
      #expect(isEven)
      let produced = try fixture.cell(APUS_KIND_EXEC).produced
      try run(program.path, ["two"])
      fixture.drain(into: sink)
      #expect(sink.execs.map(\.arguments) == [["one"]])
      #expect(try fixture.cell(APUS_KIND_EXEC).produced == produced)
    }

    @Test("an object says which part it lacks")
    func missing() throws {
      let object = try BPFObject("execve", variant: .modern)
      var message = ""
      do throws(KernelError) { try object.resize("nonesuch", entries: 1) } catch {
        message = "\(error)"
      }
      #expect(message == "BPF object execve has no nonesuch")
    }

    @Test("a ring whose size is no power of two is refused by name")
    func ringSize() {
      var message = ""
      do throws(KernelError) { _ = try SharedMap.ring(bytes: 12_345) } catch {
        message = "\(error)"
      }
      #expect(message == "BPF map events: bpf_map_create: Invalid argument (EINVAL)")
    }

    @Test("the kernel's arguments of a tracepoint are counted, and of none there are none")
    func features() {
      let types = KernelTypes()
      let known = types?.argumentCount(ofTracepoint: "sched_switch") ?? 0
      let unknown = types?.argumentCount(ofTracepoint: "nonesuch")
      #expect(known >= 3)
      #expect(unknown == nil)
      #expect(Features.hasBTF && Features.possibleCPUs >= 1)
      #expect(Features.release == readText("/proc/sys/kernel/osrelease"))
    }
  }
}

@Suite("what is said of the kernel's refusals")
struct KernelErrorTests {
  static let errors: [(error: KernelError, text: String, isRefusal: Bool)] = [
    (
      .load(object: "execve", code: EPERM),
      "cannot load BPF object execve: Operation not permitted (EPERM); it needs root, or the "
        + "capabilities CAP_BPF and CAP_PERFMON", true
    ),
    (
      .load(object: "runqlat", code: ESRCH),
      "cannot load BPF object runqlat: No such process (ESRCH); this kernel has no "
        + "/sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF), without which programs cannot be "
        + "fitted to it", true
    ),
    (
      .attach(program: "on_exec", code: ENOENT),
      "cannot attach BPF program on_exec: No such file or directory (ENOENT); the hook does not "
        + "exist on this kernel, or tracefs is not mounted", true
    ),
    (
      .open(object: "execve", code: EINVAL),
      "cannot open BPF object execve: Invalid argument (EINVAL)", false
    ),
    (
      .map("events", SystemError("bpf_map_create", code: ENOMEM)),
      "BPF map events: bpf_map_create: Cannot allocate memory (ENOMEM)", false
    ),
    (
      .map("events", SystemError("bpf_map_create", code: EPERM)),
      "BPF map events: bpf_map_create: Operation not permitted (EPERM)", true
    ),
  ]

  @Test("each names the object, the errno and the remedy", arguments: errors.indices)
  func text(index: Int) {
    let (error, text, isRefusal) = KernelErrorTests.errors[index]
    #expect(error.description == text)
    #expect(error.isRefusal == isRefusal)
  }
}
