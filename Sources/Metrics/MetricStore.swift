// SPDX-License-Identifier: Apache-2.0
// Every series of the agent. Any thread may call it; a lock is held per call, at most once per
// sampled series and never while something is rendered. Not for per-record use: see Counter.

internal import Synchronization

/// A count that any thread may raise without a lock; a series reads it when a snapshot is taken.
public final class Counter: Sendable {
  private let total = Atomic<UInt64>(0)

  public init() {}

  public var value: UInt64 { total.load(ordering: .relaxed) }

  public func add(_ amount: UInt64 = 1) { total.wrappingAdd(amount, ordering: .relaxed) }
}

public final class MetricStore: Sendable {
  /// What is copied under one lock.
  private static let pointsAtATime = 128

  /// What `forEachPart` takes for this many series at most, in bytes: where they are, half of it
  /// once more while that is sorted, and of one part the points, each of them once more as a delta.
  public static func partsBytesMax(series: Int) -> Int {
    series * MemoryLayout<SeriesPlace>.stride * 3 / 2
      + 2 * pointsAtATime * MetricPoint.histogramBytesMax
  }

  private let state: Mutex<MetricTable>

  public init() { state = Mutex(MetricTable()) }

  /// Series refused because their instrument was full, over all instruments.
  public var refusedSeries: UInt64 { state.withLock { $0.refused } }

  public var seriesCount: Int { state.withLock { $0.seriesCount } }

  /// `shape` belongs to histograms; `seriesMax` bounds the instrument's series.
  public func register(
    _ descriptor: InstrumentDescriptor, shape: HistogramShape? = nil, seriesMax: Int = 2000
  ) -> InstrumentID {
    precondition((descriptor.kind == .histogram) == (shape != nil), "histograms have a shape")
    return state.withLock { $0.register(descriptor, shape, seriesMax) }
  }

  /// The series of these attributes, made when it is new; nil, counted, when there is no room.
  ///
  /// What has no series of its own goes to `overflow`.
  public func series(
    _ instrument: InstrumentID, workload: UInt32, attributes: [String] = [],
    startUnixNanoseconds: UInt64
  ) -> SeriesID? {
    state.withLock {
      $0.series(instrument.index, workload, attributes, startUnixNanoseconds)
    }
  }

  /// The one series that takes what found no room, marked `otel.metric.overflow=true`.
  public func overflow(_ instrument: InstrumentID, startUnixNanoseconds: UInt64) -> SeriesID {
    state.withLock { $0.overflow(instrument.index, startUnixNanoseconds) }
  }

  /// A series whose value is read from `counter` at each snapshot.
  public func observe(_ counter: Counter, as series: SeriesID) {
    state.withLock { table in table.update(series) { $0.counter = counter } }
  }

  public func add(_ amount: Int64, to series: SeriesID) {
    state.withLock { table in table.update(series) { $0.integer = ($0.integer ?? 0) &+ amount } }
  }

  public func set(_ total: Int64, of series: SeriesID) {
    state.withLock { table in table.update(series) { $0.integer = total } }
  }

  public func set(gauge value: Double, of series: SeriesID) {
    state.withLock { table in table.update(series) { $0.double = value } }
  }

  /// Feeds one read of a histogram's counters.
  public func update(_ series: SeriesID, _ reading: borrowing HistogramReading) {
    // A span cannot be captured by the lock's closure, so the histogram is taken out and put back:
    // each series is fed by one thread.
    guard let found = state.withLock({ $0.histogram(series) }) else { return }
    var histogram = found
    histogram.update(reading)
    state.withLock { table in table.update(series) { $0.histogram = .box(histogram) } }
  }

  /// Ends a series; when it comes back it starts anew, with a new start time.
  public func remove(_ series: SeriesID) {
    state.withLock { $0.remove(series) }
  }

  /// Ends all series of a workload that is gone.
  public func removeAll(workload: UInt32) {
    state.withLock { $0.removeAll(workload: workload) }
  }

  public var instrumentCount: Int { state.withLock { $0.instrumentCount } }

  /// One instrument alone, a few of its series at a time: the lock is held for a fraction of what a
  /// snapshot of all takes.
  ///
  /// Its points may be of slightly different moments.
  public func snapshot(instrument index: Int) -> MetricSnapshot.Instrument {
    var points: [MetricPoint] = []
    var next = 0
    let removals = state.withLock { table in
      points.reserveCapacity(table.slotCount(of: index))
      return table.removals
    }
    while true {
      let isWhole: Bool? = state.withLock { table in
        // A series that ended and came back meanwhile may lie ahead, and be told a second time.
        guard table.removals == removals else { return nil }
        let end = min(next + MetricStore.pointsAtATime, table.slotCount(of: index))
        table.appendPoints(of: index, slots: next..<end, to: &points)
        next = end
        return end == table.slotCount(of: index)
      }
      switch isWhole {
      case nil: return state.withLock { $0.snapshot(instrument: index) }
      case true?:
        return state.withLock {
          MetricSnapshot.Instrument(descriptor: $0.descriptor(of: index), points: points)
        }
      case false?: continue
      }
    }
  }

  /// Calls `body` with the series that are wanted, a few at a time, so that there never is a copy
  /// of all: those of a workload together, and of each workload in the order of the instruments.
  ///
  /// What has ended meanwhile is left out. The owner of the series is the one to call this, or else
  /// points may be of slightly different moments.
  public func forEachPart(
    unixNanoseconds: UInt64, where isWanted: (UInt32, SeriesID) -> Bool = { _, _ in true },
    _ body: (MetricSnapshot) -> Void
  ) {
    var places = state.withLock { $0.places(where: isWanted) }
    places.sort {
      ($0.workload, $0.series.instrument, $0.series.slot)
        < ($1.workload, $1.series.instrument, $1.series.slot)
    }
    for start in stride(from: 0, to: places.count, by: MetricStore.pointsAtATime) {
      let part = places[start..<min(start + MetricStore.pointsAtATime, places.count)]
      body(state.withLock { $0.snapshot(of: part, unixNanoseconds) })
    }
  }

  public func snapshot(unixNanoseconds: UInt64) -> MetricSnapshot {
    state.withLock { $0.snapshot(unixNanoseconds) }
  }
}
