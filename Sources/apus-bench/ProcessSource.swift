// SPDX-License-Identifier: Apache-2.0
// Real process events for the bench: the execve probe on a ring, and a loop of executions.

internal import CApusABI
internal import CBench
internal import Config
internal import Identity
internal import Kernel
internal import Platform
internal import Probes

/// The probe and its ring.
///
/// Owned by the main thread.
struct ProcessSource: ~Copyable {
  let shared: SharedMaps
  private var object: BPFObject
  private var cells: LedgerReader

  /// A ring that holds `execs` executions and their exits, and others' of meanwhile.
  init(execs: Int, cgroup: CgroupKey?) throws(KernelError) {
    var size = 1 << 20
    while size < 1 << 30, size < execs * 1024 { size *= 2 }
    let shared = try SharedMaps(bufferBytes: size, isPerf: false)
    let defaults = ProbeDefaults(selfPID: 0)
    var plan = ProbePlan(knobs: defaults.knobs)
    plan.knobs.cgroup_key = cgroup?.raw ?? 0
    object = try defaults.load(.execve, plan, shared)
    cells = LedgerReader(shared.ledger)
    self.shared = shared
  }

  /// Executes `program` so often, one at a time, while the probe is attached.
  mutating func fill(execs: Int, program: String) throws(BenchError) {
    let lost = try ringFull()
    do throws(KernelError) { try object.attach(optional: ProbeRow.execve.optionalHooks) } catch {
      throw .kernel(error)
    }
    defer { object.detach() }
    let code = unsafe cbench_execute(program, UInt(execs))
    guard code == 0 else { throw .system(SystemError("posix_spawn", code: code)) }
    let after = try ringFull()
    if after != lost { throw .lost(records: after - lost) }
  }

  private mutating func ringFull() throws(BenchError) -> UInt64 {
    do throws(KernelError) {
      return try cells.read(kind: APUS_KIND_EXEC.rawValue).ring_full
        + cells.read(kind: APUS_KIND_EXIT.rawValue).ring_full
    } catch {
      throw .kernel(error)
    }
  }
}

/// Loads the probe.
func makeSource(_ options: BenchOptions, execs: Int) throws(BenchError) -> ProcessSource {
  var key: CgroupKey?
  if let path = options.cgroup {
    key = CgroupPaths().key(ofPath: path)
    if key == nil { throw .usage("\(path) is no cgroup") }
  }
  do throws(KernelError) { return try ProcessSource(execs: execs, cgroup: key) } catch {
    throw .kernel(error)
  }
}
