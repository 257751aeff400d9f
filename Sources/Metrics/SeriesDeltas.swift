// SPDX-License-Identifier: Apache-2.0
// What changed since the point before: the store counts from a start on, and a receiver may want
// each interval by itself. Owned by the thread that exports.

/// How the points of a series relate to each other; OTLP's numbers.
public enum Temporality: UInt64, Sendable {
  case delta = 1
  case cumulative = 2
}

/// Which instruments are told as deltas; sums that go both ways and gauges never are.
public struct TemporalityChoice: Sendable, Equatable {
  public let counters: Temporality
  public let histograms: Temporality

  public init(counters: Temporality, histograms: Temporality) {
    self.counters = counters
    self.histograms = histograms
  }

  public func of(_ kind: InstrumentKind) -> Temporality {
    switch kind {
    case .counter: counters
    case .histogram: histograms
    case .upDownCounter, .gauge: .cumulative
    }
  }
}

public struct SeriesDeltas {
  /// Memory of one series that is told as deltas, at most: a table has up to eight places for three
  /// entries, and half as many more while it grows.
  public static let counterBytesMax =
    4 * (MemoryLayout<SeriesID>.stride + MemoryLayout<Earlier>.stride)
  public static let histogramBytesMax =
    counterBytesMax + MemoryLayout<HistogramValue>.stride + 32 + HistogramValue.bytesMax

  fileprivate struct Earlier {
    var unixNanoseconds: UInt64
    var round: UInt32
    var value: Value
  }

  /// A histogram would make the entry of each counter larger.
  fileprivate enum Value {
    case integer(Int64)
    indirect case histogram(HistogramValue)

    init(_ value: PointValue) {
      switch value {
      case .integer(let value): self = .integer(value)
      case .histogram(let value): self = .histogram(value)
      case .double: preconditionFailure("only gauges are doubles")
      }
    }
  }

  private let choice: TemporalityChoice
  /// The last point of each living series that is told as deltas: as many as the store has.
  private var earlier: [SeriesID: Earlier] = [:]
  /// Of the exports, so that it is known which series the last one did not have.
  private var round: UInt32 = 0

  public init(_ choice: TemporalityChoice) { self.choice = choice }

  /// How many series are remembered.
  public var count: Int { earlier.count }

  /// A part of the store's series, with deltas where they are wanted.
  ///
  /// A series without news has no point. The next one begins where its last point ended, however
  /// long ago: intervals of a series touch, so a gap between two is a point that was lost.
  public mutating func advance(to part: MetricSnapshot) -> MetricSnapshot {
    deltas(part, isLast: false)
  }

  /// To be called after the last part: series that no part had are forgotten.
  public mutating func endRound() {
    for id in earlier.filter({ $0.value.round != round }).map(\.key) { earlier[id] = nil }
    round &+= 1
  }

  /// The last deltas of series that end now, and are forgotten.
  public mutating func end(_ part: MetricSnapshot) -> MetricSnapshot {
    deltas(part, isLast: true)
  }

  private mutating func deltas(_ part: MetricSnapshot, isLast: Bool) -> MetricSnapshot {
    let now = part.unixNanoseconds
    var instruments: [MetricSnapshot.Instrument] = []
    instruments.reserveCapacity(part.instruments.count)
    for instrument in part.instruments {
      guard choice.of(instrument.descriptor.kind) == .delta else {
        instruments.append(instrument)
        continue
      }
      var points: [MetricPoint] = []
      for point in instrument.points {
        guard let id = point.series else { preconditionFailure("a point of no series") }
        let last = earlier[id]
        let change = point.value.since(last?.value)
        if isLast {
          earlier[id] = nil
        } else if change != nil {
          earlier[id] = Earlier(unixNanoseconds: now, round: round, value: Value(point.value))
        } else if last != nil {
          earlier[id]?.round = round
        }
        guard let change else { continue }
        points.append(
          MetricPoint(
            series: id, workload: point.workload, attributes: point.attributes,
            labelText: point.labelText, isOverflow: point.isOverflow,
            // The clock may have been set back meanwhile; no interval ends before it begins.
            startUnixNanoseconds: min(last?.unixNanoseconds ?? point.startUnixNanoseconds, now),
            value: change))
      }
      instruments.append(
        MetricSnapshot.Instrument(
          descriptor: instrument.descriptor, points: points, temporality: .delta))
    }
    return MetricSnapshot(unixNanoseconds: now, instruments: instruments)
  }
}

extension PointValue {
  /// What came on top of `earlier`, which is nothing at first; nil when nothing did.
  fileprivate func since(_ earlier: SeriesDeltas.Value?) -> PointValue? {
    switch (self, earlier) {
    case (.integer(let value), .integer(let last)?) where value >= last:
      return value == last ? nil : .integer(value - last)
    case (.integer(let value), _):
      // What counts anew from zero has counted this much since.
      return value == 0 ? nil : .integer(value)
    case (.histogram(let value), .histogram(let last)?):
      return value.count == last.count ? nil : .histogram(value.since(last))
    case (.histogram(let value), _):
      return value.count == 0 ? nil : .histogram(value.since(nil))
    case (.double, _):
      preconditionFailure("only gauges are doubles")
    }
  }
}
