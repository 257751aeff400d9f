// SPDX-License-Identifier: Apache-2.0
// The loss ledger: for each event kind and destination, what was produced and what became of it.

public import OTLP
internal import Synchronization

/// Where and why records end other than at their destination.
public enum Loss: Int, CaseIterable, Sendable {
  case filteredSelf, filteredScope
  case untracked
  case ringFull
  case truncated, unknownKind, tooLarge
  case queueFull
  case refused, rejected, expired, shutdown, writeFailed, requestTooLarge

  public var hop: String {
    switch self {
    case .filteredSelf, .filteredScope: "filter"
    case .untracked: "probe"
    case .ringFull: "ring"
    case .truncated, .unknownKind, .tooLarge: "decode"
    case .queueFull: "queue"
    case .refused, .rejected, .expired, .shutdown, .writeFailed, .requestTooLarge: "export"
    }
  }

  public var reason: String {
    switch self {
    case .filteredSelf: "self"
    case .filteredScope: "scope"
    case .untracked: "state"
    case .ringFull: "full"
    case .truncated: "truncated"
    case .unknownKind: "unknown_kind"
    case .tooLarge, .requestTooLarge: "too_large"
    case .queueFull: "full"
    case .refused: "refused"
    case .rejected: "partial_success"
    case .expired: "retries_exhausted"
    case .shutdown: "shutdown"
    case .writeFailed: "write_failed"
    }
  }
}

/// What the kernel half counted of one kind.
public struct KernelCounts: Sendable {
  public var produced: UInt64 = 0
  public var filteredSelf: UInt64 = 0
  public var filteredScope: UInt64 = 0
  public var untracked: UInt64 = 0
  public var ringFull: UInt64 = 0

  public init() {}
}

/// Counts per batch, not per record, so one lock is enough.
///
/// Any thread may use it.
///
/// At any quiet moment, produced = delivered + Σ dropped, for each kind and destination.
public final class Ledger: Sendable {
  /// One kind on its way to one destination.
  public struct Row: Sendable {
    public let kind: String
    public let destination: String
    public let produced: UInt64
    public let delivered: UInt64
    public let dropped: [(loss: Loss, count: UInt64)]

    /// What is neither delivered nor dropped: still on its way.
    ///
    /// Negative only by a fault of ours.
    public var pending: Int64 {
      Int64(bitPattern: produced &- delivered &- dropped.reduce(0) { $0 &+ $1.count })
    }
  }

  private struct State {
    var kernel: [KernelCounts]
    /// Before destinations part: [kind][loss].
    var common: [[UInt64]]
    /// [destination][kind], and [destination][kind][loss].
    var delivered: [[UInt64]]
    var dropped: [[[UInt64]]]
  }

  /// Index is the kind's number in records; an empty name is a kind that has no records.
  public let kinds: [String]
  public let destinations: [String]
  private let state: Mutex<State>

  public init(kinds: [String], destinations: [String]) {
    self.kinds = kinds
    self.destinations = destinations
    let losses = [UInt64](repeating: 0, count: Loss.allCases.count)
    let perKind = [[UInt64]](repeating: losses, count: kinds.count)
    state = Mutex(
      State(
        kernel: Array(repeating: KernelCounts(), count: kinds.count), common: perKind,
        delivered: Array(
          repeating: Array(repeating: 0, count: kinds.count), count: destinations.count),
        dropped: Array(repeating: perKind, count: destinations.count)))
  }

  /// Replaces what the kernel half has counted so far.
  public func record(kernel counts: KernelCounts, kind: Int) {
    state.withLock { $0.kernel[kind] = counts }
  }

  /// A record that ended before it was on its way to any destination.
  public func drop(_ loss: Loss, kind: Int, count: UInt64 = 1) {
    state.withLock { $0.common[kind][loss.rawValue] += count }
  }

  /// Records that ended on their way to one destination.
  public func drop(_ loss: Loss, _ counts: KindCounts, destination: Int) {
    state.withLock { state in
      for kind in kinds.indices {
        state.dropped[destination][kind][loss.rawValue] += UInt64(counts[kind])
      }
    }
  }

  /// Records that a destination has acknowledged, but for `rejected` of them.
  ///
  /// A collector that rejects a part does not say which; kinds are charged in their order, so only
  /// the sum over kinds is certain then.
  public func deliver(_ counts: KindCounts, rejected: UInt64 = 0, destination: Int) {
    state.withLock { state in
      var rest = rejected
      for kind in kinds.indices {
        let charged = min(rest, UInt64(counts[kind]))
        rest -= charged
        state.dropped[destination][kind][Loss.rejected.rawValue] += charged
        state.delivered[destination][kind] += UInt64(counts[kind]) - charged
      }
    }
  }

  /// The whole account.
  public func rows() -> [Row] {
    state.withLock { state in
      var rows: [Row] = []
      for kind in kinds.indices where !kinds[kind].isEmpty {
        let kernel = state.kernel[kind]
        for destination in destinations.indices {
          let dropped: [(loss: Loss, count: UInt64)] = Loss.allCases.map { loss in
            let early: UInt64 =
              switch loss {
              case .filteredSelf: kernel.filteredSelf
              case .filteredScope: kernel.filteredScope
              case .untracked: kernel.untracked
              case .ringFull: kernel.ringFull
              default: state.common[kind][loss.rawValue]
              }
            return (loss, early + state.dropped[destination][kind][loss.rawValue])
          }
          rows.append(
            Row(
              kind: kinds[kind], destination: destinations[destination],
              produced: kernel.produced, delivered: state.delivered[destination][kind],
              dropped: dropped))
        }
      }
      return rows
    }
  }
}
