// SPDX-License-Identifier: Apache-2.0
// The workloads that metrics are kept for: a small number each, a Resource, and Prometheus labels.

internal import Identity
internal import Metrics
internal import OTLP
internal import Synchronization

/// When a sample is taken, and when the one before was; what is new in it came between them.
struct SampleTimes {
  var earlier: UInt64
  var now: UInt64
}

/// Written by the sample thread; labels may be read by any.
final class Workloads: Sendable {
  /// The agent itself.
  static let agent: UInt32 = 0
  /// What found no place of its own.
  static let other: UInt32 = 1

  private struct Entry {
    var resource: EncodedResource
    var labels: [UInt8]
    /// For people.
    var name: String
    var isResolved: Bool
    /// Another cgroup had its path before.
    var isSuccessor = false
  }

  private struct State {
    var numbers: [UInt64: UInt32] = [:]
    var entries: [UInt32: Entry] = [:]
    /// Who has a path now, and who had it until then.
    var byPath: [String: UInt64] = [:]
    var replaced: Set<UInt64> = []
    var next: UInt32 = 2
  }

  private let builder: ResourceBuilder
  private let state: Mutex<State>

  init(builder: ResourceBuilder, agentAttributes: [(String, String)]) {
    self.builder = builder
    var state = State()
    state.entries[Workloads.agent] = Entry(
      resource: ResourceBuilder.encode(agentAttributes), labels: [], name: "(agent)",
      isResolved: true)
    state.entries[Workloads.other] = Entry(
      resource: ResourceBuilder.encode(builder.workload([])), labels: [], name: "(other)",
      isResolved: true)
    self.state = Mutex(state)
  }

  /// The number of a cgroup; new ones are looked up in `table`, as are those not found before
  /// but known to exist.
  func number(of key: UInt64, in table: borrowing WorkloadTable) -> UInt32 {
    let (known, isResolved) = state.withLock { state in
      let number = state.numbers[key]
      return (number, number.flatMap { state.entries[$0]?.isResolved } ?? false)
    }
    if let known, isResolved { return known }
    let workload = table.workload(CgroupKey(key))
    let identity = Workloads.identity(of: workload)
    var entry = Entry(
      resource: ResourceBuilder.encode(builder.workload(identity)),
      labels: LabelText.render(identity.map(\.0), identity.map(\.1)),
      name: workload.path ?? "(cgroup \(key))",
      isResolved: workload.path != nil || table.isGone(workload.key))
    let before = state.withLock { $0.byPath[entry.name] }
    entry.isSuccessor = before.map { $0 != key && table.isGone(CgroupKey($0)) } ?? false
    return state.withLock { state in
      let number = known ?? state.next
      if known == nil { state.next += 1 }
      state.numbers[key] = number
      state.entries[number] = entry
      if workload.path != nil { state.byPath[entry.name] = key }
      if let before, entry.isSuccessor { state.replaced.insert(before) }
      return number
    }
  }

  /// When a series of this workload began that is new in a sample.
  ///
  /// One whose cgroup has taken another's place begins where that one's series end.
  func begin(of number: UInt32, _ times: SampleTimes) -> UInt64 {
    let isSuccessor = state.withLock { $0.entries[number]?.isSuccessor ?? false }
    return isSuccessor ? times.now : times.earlier
  }

  /// The cgroups that are gone and whose path another has taken, each told once.
  ///
  /// Their series are to end before anyone sees two of one name.
  func takeReplaced() -> Set<UInt64> {
    state.withLock { state in
      defer { state.replaced = [] }
      return state.replaced
    }
  }

  /// The number of a cgroup that has one.
  func known(_ key: UInt64) -> UInt32? { state.withLock { $0.numbers[key] } }

  /// Forgets a cgroup that is gone.
  func remove(_ key: UInt64) -> UInt32? {
    state.withLock { state in
      guard let number = state.numbers.removeValue(forKey: key) else { return nil }
      if let name = state.entries.removeValue(forKey: number)?.name, state.byPath[name] == key {
        state.byPath[name] = nil
      }
      return number
    }
  }

  func resource(of number: UInt32) -> EncodedResource? {
    state.withLock { $0.entries[number]?.resource }
  }

  func labels(of number: UInt32) -> [UInt8] { state.withLock { $0.entries[number]?.labels ?? [] } }

  func name(of number: UInt32) -> String { state.withLock { $0.entries[number]?.name ?? "?" } }

  /// What tells a workload from others: without a path, the kernel's own id.
  private static func identity(of workload: Workload) -> [(String, String)] {
    workload.path == nil
      ? workload.attributes + [("apus.cgroup.key", "\(workload.key.raw)")] : workload.attributes
  }
}
