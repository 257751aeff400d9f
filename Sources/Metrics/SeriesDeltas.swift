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
  /// Memory of one series that is told as deltas, at most.
  public static let histogramBytesMax = HistogramShape.bucketsMax * 8 + 256
  public static let counterBytesMax = 128

  private struct Earlier {
    var unixNanoseconds: UInt64
    var value: PointValue
  }

  private let choice: TemporalityChoice
  /// The last point of each living series that is told as deltas: as many as the store has.
  private var earlier: [SeriesID: Earlier] = [:]

  public init(_ choice: TemporalityChoice) { self.choice = choice }

  /// How many series are remembered.
  public var count: Int { earlier.count }

  /// The snapshot with deltas where they are wanted; series that it does not have are forgotten.
  ///
  /// A series without news has no point. The next one begins where its last point ended, however
  /// long ago: intervals of a series touch, so a gap between two is a point that was lost.
  public mutating func advance(to snapshot: MetricSnapshot) -> MetricSnapshot {
    var kept: [SeriesID: Earlier] = [:]
    kept.reserveCapacity(earlier.count)
    let result = deltas(snapshot) { kept[$0] = $1 }
    earlier = kept
    return result
  }

  /// The last deltas of series that end now, and are forgotten.
  public mutating func end(_ snapshot: MetricSnapshot) -> MetricSnapshot {
    var ended: [SeriesID] = []
    let result = deltas(snapshot) { id, _ in ended.append(id) }
    for id in ended { earlier[id] = nil }
    return result
  }

  private func deltas(
    _ snapshot: MetricSnapshot, _ note: (SeriesID, Earlier) -> Void
  ) -> MetricSnapshot {
    let instruments = snapshot.instruments.map { instrument in
      let temporality = choice.of(instrument.descriptor.kind)
      guard temporality == .delta else { return instrument }
      var points: [MetricPoint] = []
      for point in instrument.points {
        guard let id = point.series else { preconditionFailure("a point of no series") }
        let last = earlier[id]
        guard let change = point.value.since(last?.value) else {
          if let last { note(id, last) }
          continue
        }
        note(id, Earlier(unixNanoseconds: snapshot.unixNanoseconds, value: point.value))
        points.append(
          MetricPoint(
            series: id, workload: point.workload, attributes: point.attributes,
            labelText: point.labelText, isOverflow: point.isOverflow,
            // The clock may have been set back meanwhile; no interval ends before it begins.
            startUnixNanoseconds: min(
              last?.unixNanoseconds ?? point.startUnixNanoseconds, snapshot.unixNanoseconds),
            value: change))
      }
      return MetricSnapshot.Instrument(
        descriptor: instrument.descriptor, points: points, temporality: .delta)
    }
    return MetricSnapshot(unixNanoseconds: snapshot.unixNanoseconds, instruments: instruments)
  }
}

extension PointValue {
  /// What came on top of `earlier`, which is nothing at first; nil when nothing did.
  fileprivate func since(_ earlier: PointValue?) -> PointValue? {
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
