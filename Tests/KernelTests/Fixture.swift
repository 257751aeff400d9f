// SPDX-License-Identifier: Apache-2.0
// The execve probe on a ring of its own, and a sink that keeps what concerns one program.

import CApusABI
import Config
import Kernel
import Probes
import Testing

/// Copies what a test asks about; everything else is counted only.
final class Collector: RecordSink {
  struct Exec {
    let pid: UInt32
    let name: String
    let arguments: [String]
    let uid: UInt32
    let cgroup: UInt64
    let path: String
  }

  struct Exit {
    let pid: UInt32
    let code: UInt32
    let cgroup: UInt64
  }

  /// The comm, and the last part of the name, that a test asks about.
  let program: String
  private(set) var execs: [Exec] = []
  private(set) var exits: [Exit] = []
  /// All records by kind.
  private(set) var counts: [UInt16: UInt64] = [:]
  /// Of each kind and CPU, whether a sequence number came twice or out of order.
  private(set) var disordered = 0
  private var sequences: [UInt32: UInt64] = [:]

  init(_ program: String) { self.program = program }

  var total: UInt64 { counts.values.reduce(0, +) }

  func accept(_ bytes: RawSpan) {
    guard let record = try? Record<apus_header>(bytes) else { return }
    let (kind, cpu, sequence) = (record.kind, record.cpu, record.sequence)
    counts[kind, default: 0] += 1
    let place = UInt32(kind) << 16 | UInt32(cpu)
    if sequence <= sequences[place, default: 0] { disordered += 1 }
    sequences[place] = sequence
    if Int(record.size) != bytes.byteCount { disordered += 1 }
    switch UInt32(kind) {
    case APUS_KIND_EXEC.rawValue: exec(bytes)
    case APUS_KIND_EXIT.rawValue: exit(bytes)
    default: break
    }
  }

  private func exec(_ bytes: RawSpan) {
    guard let record = try? Record<apus_exec>(bytes), EventEncoder.isComplete(record) else {
      return
    }
    let pathEnd = Int(record.path_size)
    let nameEnd = pathEnd + Int(record.name_size)
    let argumentsEnd = nameEnd + Int(record.args_size)
    let payload = record.payload.withUnsafeBytes { Array($0) }
    let name = String(decoding: payload[pathEnd..<nameEnd], as: UTF8.self)
    guard name.split(separator: "/").last.map(String.init) == program else { return }
    execs.append(
      Exec(
        pid: record.process.pid, name: name,
        arguments: payload[nameEnd..<argumentsEnd].split(separator: 0).map {
          String(decoding: $0, as: UTF8.self)
        }, uid: record.process.uid, cgroup: record.process.cgroup_key,
        path: String(decoding: payload[..<pathEnd], as: UTF8.self)))
  }

  private func exit(_ bytes: RawSpan) {
    guard let record = try? Record<apus_exit>(bytes) else { return }
    let comm = withUnsafeBytes(of: record.process.comm) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    guard comm == program else { return }
    exits.append(
      Exit(pid: record.process.pid, code: record.code, cgroup: record.process.cgroup_key))
  }
}

/// The probe, attached.
struct ExecveFixture: ~Copyable {
  let shared: SharedMaps
  var object: BPFObject
  var reader: EventReader

  init(
    _ preference: HookPreference = .auto, ringBytes: Int = 1 << 20, isPerf: Bool = false,
    _ adjust: (inout apus_knobs) -> Void = { _ in }
  ) throws {
    let defaults = ProbeDefaults(selfPID: 0)
    var plan = ProbePlan(knobs: defaults.knobs)
    plan.hooks = preference
    adjust(&plan.knobs)
    // All or nothing: what cannot be copied cannot be half made.
    let shared = try SharedMaps(bufferBytes: ringBytes, isPerf: isPerf)
    var object = try defaults.load(.execve, plan, shared)
    let reader = try shared.events.makeReader()
    try object.attach(optional: ProbeRow.execve.optionalHooks)
    self.shared = shared
    self.object = object
    self.reader = reader
  }

  func cell(_ kind: apus_kind) throws -> apus_ledger_cell {
    var cells = LedgerReader(shared.ledger)
    return try cells.read(kind: kind.rawValue)
  }

  /// Reads until `condition` holds; false when it did not within the deadline.
  mutating func drain(into sink: Collector, until condition: (Collector) -> Bool) -> Bool {
    becomesTrue {
      self.drain(into: sink)
      return condition(sink)
    }
  }

  mutating func drain(into sink: Collector) {
    var sink = sink
    while reader.drain(into: &sink, limit: 1024) == 1024 {}
  }

  /// Ends production and reads what is left, until the account of both kinds is even.
  mutating func settles(into sink: Collector) throws -> Bool {
    object.detach()
    return try becomesTrue {
      self.drain(into: sink)
      return try [APUS_KIND_EXEC, APUS_KIND_EXIT].allSatisfy { kind in
        let cell = try self.cell(kind)
        let read = sink.counts[UInt16(kind.rawValue), default: 0]
        return cell.produced
          == read + cell.filtered_self + cell.filtered_scope + cell.ring_full + cell.untracked
      }
    }
  }
}
