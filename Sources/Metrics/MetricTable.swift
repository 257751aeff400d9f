// SPDX-License-Identifier: Apache-2.0
// Instruments and their series, found by label set; what MetricStore guards.

/// A value on the heap: inline, a histogram would make the series of each counter 2 KB larger.
indirect enum Boxed<Value: Sendable>: Sendable {
  case box(Value)

  var value: Value {
    switch self {
    case .box(let value): value
    }
  }
}

struct SeriesState {
  var workload: UInt32
  var attributes: [String]
  var labelText: [UInt8]
  var isOverflow: Bool
  var startUnixNanoseconds: UInt64
  /// A sum starts at zero; a gauge that was never set has no point.
  var integer: Int64?
  var double: Double?
  var histogram: Boxed<ExponentialHistogram>?
  var counter: Counter?
}

/// Whose a series is.
struct SeriesPlace {
  let workload: UInt32
  let series: SeriesID
}

struct MetricTable {
  private struct SeriesKey: Hashable {
    var workload: UInt32
    var attributes: [String]
  }

  private struct Slot {
    var generation: UInt32 = 0
    var state: SeriesState?
  }

  private struct InstrumentState {
    var descriptor: InstrumentDescriptor
    var shape: HistogramShape?
    var seriesMax: Int
    var slots: [Slot] = []
    var free: [Int] = []
    var byKey: [SeriesKey: Int] = [:]
    var overflow: SeriesID?
  }

  private var instruments: [InstrumentState] = []
  private(set) var refused: UInt64 = 0
  /// Series that have ended, of all instruments.
  private(set) var removals: UInt64 = 0

  var seriesCount: Int { instruments.reduce(0) { $0 + $1.slots.count - $1.free.count } }

  mutating func register(
    _ descriptor: InstrumentDescriptor, _ shape: HistogramShape?, _ seriesMax: Int
  ) -> InstrumentID {
    instruments.append(
      InstrumentState(descriptor: descriptor, shape: shape, seriesMax: seriesMax))
    return InstrumentID(index: instruments.count - 1)
  }

  mutating func series(
    _ instrument: Int, _ workload: UInt32, _ attributes: [String], _ start: UInt64
  ) -> SeriesID? {
    let keys = instruments[instrument].descriptor.attributeKeys
    precondition(attributes.count == keys.count, "one attribute per key")
    let key = SeriesKey(workload: workload, attributes: attributes)
    if let slot = instruments[instrument].byKey[key] {
      let generation = instruments[instrument].slots[slot].generation
      return SeriesID(instrument: instrument, slot: slot, generation: generation)
    }
    guard instruments[instrument].byKey.count < instruments[instrument].seriesMax else {
      refused += 1
      return nil
    }
    let id = add(
      SeriesState(
        workload: workload, attributes: attributes, labelText: LabelText.render(keys, attributes),
        isOverflow: false, startUnixNanoseconds: start), to: instrument)
    instruments[instrument].byKey[key] = id.slot
    return id
  }

  mutating func overflow(_ instrument: Int, _ start: UInt64) -> SeriesID {
    if let id = instruments[instrument].overflow { return id }
    let id = add(
      SeriesState(
        workload: 0, attributes: [],
        labelText: LabelText.render(["otel.metric.overflow"], ["true"]), isOverflow: true,
        startUnixNanoseconds: start), to: instrument)
    instruments[instrument].overflow = id
    return id
  }

  private mutating func add(_ state: SeriesState, to instrument: Int) -> SeriesID {
    var state = state
    switch instruments[instrument].descriptor.kind {
    case .histogram: state.histogram = .box(ExponentialHistogram())
    case .counter, .upDownCounter: state.integer = 0
    case .gauge: break
    }
    let slot: Int
    if let free = instruments[instrument].free.popLast() {
      slot = free
    } else {
      slot = instruments[instrument].slots.count
      instruments[instrument].slots.append(Slot())
    }
    instruments[instrument].slots[slot].generation &+= 1
    instruments[instrument].slots[slot].state = state
    return SeriesID(
      instrument: instrument, slot: slot,
      generation: instruments[instrument].slots[slot].generation)
  }

  private func isAlive(_ series: SeriesID) -> Bool {
    let slot = instruments[series.instrument].slots[series.slot]
    return slot.generation == series.generation && slot.state != nil
  }

  /// Late values of a series that was removed are ignored: its last point was exported.
  mutating func update(_ series: SeriesID, _ change: (inout SeriesState) -> Void) {
    guard isAlive(series) else { return }
    guard var state = instruments[series.instrument].slots[series.slot].state.take() else { return }
    change(&state)
    instruments[series.instrument].slots[series.slot].state = state
  }

  func histogram(_ series: SeriesID) -> ExponentialHistogram? {
    isAlive(series)
      ? instruments[series.instrument].slots[series.slot].state?.histogram?.value : nil
  }

  mutating func remove(_ series: SeriesID) {
    guard isAlive(series) else { return }
    remove(slot: series.slot, of: series.instrument)
  }

  mutating func removeAll(workload: UInt32) {
    for instrument in instruments.indices {
      for slot in instruments[instrument].slots.indices {
        guard let state = instruments[instrument].slots[slot].state, !state.isOverflow,
          state.workload == workload
        else { continue }
        remove(slot: slot, of: instrument)
      }
    }
  }

  private mutating func remove(slot: Int, of instrument: Int) {
    guard let state = instruments[instrument].slots[slot].state.take() else { return }
    removals += 1
    instruments[instrument].free.append(slot)
    if state.isOverflow {
      instruments[instrument].overflow = nil
    } else {
      let key = SeriesKey(workload: state.workload, attributes: state.attributes)
      instruments[instrument].byKey[key] = nil
    }
  }

  func snapshot(_ unixNanoseconds: UInt64) -> MetricSnapshot {
    let copies = instruments.indices.map { snapshot(instrument: $0) }
    return MetricSnapshot(unixNanoseconds: unixNanoseconds, instruments: copies)
  }

  var instrumentCount: Int { instruments.count }

  func slotCount(of instrument: Int) -> Int { instruments[instrument].slots.count }

  func descriptor(of instrument: Int) -> InstrumentDescriptor { instruments[instrument].descriptor }

  /// Where the living series are that are wanted, by workload, in the order of instruments.
  func places(where isWanted: (UInt32, SeriesID) -> Bool) -> [SeriesPlace] {
    var places: [SeriesPlace] = []
    places.reserveCapacity(seriesCount)
    for (index, instrument) in instruments.enumerated() {
      for (place, slot) in instrument.slots.enumerated() {
        guard let state = slot.state else { continue }
        let series = SeriesID(instrument: index, slot: place, generation: slot.generation)
        guard isWanted(state.workload, series) else { continue }
        places.append(SeriesPlace(workload: state.workload, series: series))
      }
    }
    return places
  }

  /// Some series alone; those that have ended are left out.
  func snapshot(of places: ArraySlice<SeriesPlace>, _ unixNanoseconds: UInt64) -> MetricSnapshot {
    var points = [[MetricPoint]](repeating: [], count: instruments.count)
    for place in places where isAlive(place.series) {
      let slot = place.series.slot
      let instrument = place.series.instrument
      appendPoints(of: instrument, slots: slot..<slot + 1, to: &points[instrument])
    }
    return MetricSnapshot(
      unixNanoseconds: unixNanoseconds,
      instruments: instruments.indices.map {
        MetricSnapshot.Instrument(descriptor: descriptor(of: $0), points: points[$0])
      })
  }

  func snapshot(instrument index: Int) -> MetricSnapshot.Instrument {
    var points: [MetricPoint] = []
    appendPoints(of: index, slots: 0..<slotCount(of: index), to: &points)
    return MetricSnapshot.Instrument(descriptor: descriptor(of: index), points: points)
  }

  func appendPoints(of index: Int, slots: Range<Int>, to points: inout [MetricPoint]) {
    let shape = instruments[index].shape
    for place in slots {
      let slot = instruments[index].slots[place]
      guard let state = slot.state else { continue }
      let series = SeriesID(instrument: index, slot: place, generation: slot.generation)
      if let point = MetricTable.point(state, shape, series) { points.append(point) }
    }
  }

  private static func point(
    _ state: SeriesState, _ shape: HistogramShape?, _ series: SeriesID
  ) -> MetricPoint? {
    let value: PointValue
    if let shape, let histogram = state.histogram {
      value = .histogram(histogram.value.value(shape))
    } else if let counter = state.counter {
      value = .integer(Int64(clamping: counter.value))
    } else if let double = state.double {
      value = .double(double)
    } else if let integer = state.integer {
      value = .integer(integer)
    } else {
      return nil
    }
    return MetricPoint(
      series: series, workload: state.workload, attributes: state.attributes,
      labelText: state.labelText,
      isOverflow: state.isOverflow, startUnixNanoseconds: state.startUnixNanoseconds,
      value: value)
  }
}
