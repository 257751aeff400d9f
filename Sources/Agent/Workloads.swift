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
    /// nil until it is found, or known that it never will be.
    var workload: Workload?
    /// Another cgroup had its path before.
    var isSuccessor = false
  }

  private struct State {
    var numbers: [UInt64: UInt32] = [:]
    var entries: [UInt32: Entry] = [:]
    /// The cgroup that bears a path now.
    var keys: [String: UInt64] = [:]
    /// Cgroups that are gone, and whose path another one bears by now.
    var replaced: Set<UInt64> = []
    var next: UInt32 = 2

    /// A scrape before it is forgotten must not find two series of the same labels.
    mutating func replace(_ key: UInt64) {
      guard let number = numbers[key], let workload = entries[number]?.workload else { return }
      replaced.insert(key)
      let attributes = workload.attributes + [workload.identity]
      entries[number]?.labels = LabelText.render(attributes.map(\.0), attributes.map(\.1))
    }
  }

  private let builder: ResourceBuilder
  private let state: Mutex<State>

  init(builder: ResourceBuilder, agentAttributes: [(String, String)]) {
    self.builder = builder
    var state = State()
    state.entries[Workloads.agent] = Entry(
      resource: ResourceBuilder.encode(agentAttributes), labels: [], name: "(agent)")
    state.entries[Workloads.other] = Entry(
      resource: ResourceBuilder.encode(builder.workload([])), labels: [], name: "(other)")
    self.state = Mutex(state)
  }

  /// The number of a cgroup; new ones are looked up in `table`, as are those not found before
  /// but known to exist.
  ///
  /// No two have the same attributes: a service that starts anew has the path of the one before, of
  /// which `takeReplaced` then tells.
  func number(of key: UInt64, in table: borrowing WorkloadTable) -> UInt32 {
    let (known, isDone) = state.withLock { state in
      let number = state.numbers[key]
      return (number, number.flatMap { state.entries[$0]?.workload } != nil)
    }
    if let known, isDone { return known }
    let workload = table.workload(CgroupKey(key))
    let isResolved = workload.path != nil || table.isGone(workload.key)
    let earlier = workload.path.flatMap { path in state.withLock { $0.keys[path] } }
    let isEarlierGone = earlier.map { table.isGone(CgroupKey($0)) } ?? true
    // In two hierarchies a path may be that of two cgroups that both live.
    let attributes = workload.attributes + (isEarlierGone ? [] : [workload.identity])
    let entry = Entry(
      resource: ResourceBuilder.encode(builder.workload(attributes)),
      labels: LabelText.render(attributes.map(\.0), attributes.map(\.1)),
      name: workload.path ?? "(cgroup \(key))", workload: isResolved ? workload : nil,
      isSuccessor: earlier != nil && isEarlierGone)
    return state.withLock { state in
      let number = known ?? state.next
      if known == nil { state.next += 1 }
      state.numbers[key] = number
      state.entries[number] = entry
      if let path = workload.path, isEarlierGone {
        if let earlier { state.replace(earlier) }
        state.keys[path] = key
      }
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

  /// Cgroups to be forgotten at once, as the path that named them names others now.
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
      if let path = state.entries.removeValue(forKey: number)?.workload?.path,
        state.keys[path] == key
      {
        state.keys[path] = nil
      }
      return number
    }
  }

  func resource(of number: UInt32) -> EncodedResource? {
    state.withLock { $0.entries[number]?.resource }
  }

  /// nil of one that has been forgotten.
  func labels(of number: UInt32) -> [UInt8]? { state.withLock { $0.entries[number]?.labels } }

  func name(of number: UInt32) -> String { state.withLock { $0.entries[number]?.name ?? "?" } }
}
