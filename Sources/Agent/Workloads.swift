// SPDX-License-Identifier: Apache-2.0
// The workloads that metrics are kept for: a small number each, a Resource, and Prometheus labels.

internal import Identity
internal import Metrics
internal import OTLP
internal import Synchronization

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
  }

  private struct State {
    var numbers: [UInt64: UInt32] = [:]
    var entries: [UInt32: Entry] = [:]
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
    let entry = Entry(
      resource: ResourceBuilder.encode(builder.workload(workload.attributes)),
      labels: Workloads.labels(of: workload), name: workload.path ?? "(cgroup \(key))",
      isResolved: workload.path != nil || table.isGone(workload.key))
    return state.withLock { state in
      let number = known ?? state.next
      if known == nil { state.next += 1 }
      state.numbers[key] = number
      state.entries[number] = entry
      return number
    }
  }

  /// The number of a cgroup that has one.
  func known(_ key: UInt64) -> UInt32? { state.withLock { $0.numbers[key] } }

  /// Forgets a cgroup that is gone.
  func remove(_ key: UInt64) -> UInt32? {
    state.withLock { state in
      guard let number = state.numbers.removeValue(forKey: key) else { return nil }
      state.entries[number] = nil
      return number
    }
  }

  func resource(of number: UInt32) -> EncodedResource? {
    state.withLock { $0.entries[number]?.resource }
  }

  func labels(of number: UInt32) -> [UInt8] { state.withLock { $0.entries[number]?.labels ?? [] } }

  func name(of number: UInt32) -> String { state.withLock { $0.entries[number]?.name ?? "?" } }

  /// A workload without a path is told apart by the kernel's own id.
  private static func labels(of workload: Workload) -> [UInt8] {
    var pairs = workload.attributes
    if workload.path == nil { pairs.append(("apus.cgroup.key", "\(workload.key.raw)")) }
    return LabelText.render(pairs.map(\.0), pairs.map(\.1))
  }
}
