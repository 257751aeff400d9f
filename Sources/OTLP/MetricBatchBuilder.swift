// SPDX-License-Identifier: Apache-2.0
// Turns the parts of a snapshot into sealed batches: one ResourceMetrics per workload, split
// between points when a batch is full. Owned by the thread that exports metrics.

public import Metrics

public struct MetricBatchBuilder: ~Copyable {
  /// What became of the points.
  public struct Outcome: Sendable, Equatable {
    public var points = 0
    /// A single point that does not fit into an empty batch.
    public var tooLarge = 0
    /// Points of workloads without a Resource.
    public var withoutResource = 0
  }

  private let pool: ArenaPool
  private let scope: Scope
  /// nil writes histograms as they are kept, exponential.
  private let edges: PowerOfTwoEdges?
  private let arena: Arena
  private var writer: WireWriter
  private var sealed = SealedIndex()
  private var outcome = Outcome()
  private var frame: Frame?
  private var current: (workload: UInt32, resource: EncodedResource?)?

  /// With `edges` histograms have these explicit ones.
  public init(pool: ArenaPool, scope: Scope, edges: PowerOfTwoEdges? = nil) {
    self.pool = pool
    self.scope = scope
    self.edges = edges
    let arena = pool.take()
    self.arena = arena
    writer = unsafe WireWriter(arena.memory)
  }

  deinit { pool.give(arena) }

  /// Encodes a part and gives each batch that is full to `emit`.
  ///
  /// All parts have the same instruments. A workload whose points are in several has one Resource
  /// when nothing comes between.
  public mutating func append(
    _ part: MetricSnapshot, resource: (UInt32) -> EncodedResource?, emit: (SealedBatch) -> Void
  ) {
    for place in part.placesByWorkload() {
      if current?.workload != place.workload {
        finishFrame()
        current = (place.workload, resource(place.workload))
      }
      guard let resource = current?.resource else {
        outcome.withoutResource += 1
        continue
      }
      if append(place, of: part, resource) { continue }
      // Full: what is complete goes out, and the point opens the next batch.
      finishFrame()
      seal(emit)
      if !append(place, of: part, resource) { outcome.tooLarge += 1 }
    }
  }

  /// After the last part: gives the last batch to `emit`, and says what became of all points.
  public mutating func finish(_ emit: (SealedBatch) -> Void) -> Outcome {
    finishFrame()
    seal(emit)
    defer {
      outcome = Outcome()
      current = nil
    }
    return outcome
  }

  /// The messages that are open around the next point.
  private struct Frame {
    var start: Int
    var chunk: OpenMessage
    var scope: OpenMessage
    var workload: UInt32
    var points = 0
    var metric: OpenMetric?
  }

  private struct OpenMetric {
    var instrument: Int
    var message: OpenMessage
    var data: OpenMessage
  }

  /// False, and nothing changed, when the point or what must surround it does not fit.
  private mutating func append(
    _ place: PointPlace, of snapshot: MetricSnapshot, _ resource: EncodedResource
  ) -> Bool {
    let before = frame
    let mark = writer.count
    let instrument = snapshot.instruments[place.instrument]
    let keys = instrument.descriptor.attributeKeys
    let point = instrument.points[place.point]
    var open = before ?? openFrame(place.workload, resource)
    if open.metric?.instrument != place.instrument {
      if let metric = open.metric { close(metric) }
      open.metric = openMetric(place.instrument, instrument)
    }
    let time = PointTime(
      // The clock may have been set back since; nothing begins after its end.
      startUnixNanoseconds: min(point.startUnixNanoseconds, snapshot.unixNanoseconds),
      unixNanoseconds: snapshot.unixNanoseconds)
    switch (point.value, edges) {
    case (.histogram(let value), nil):
      writer.exponentialPoint(value, of: point, keys: keys, time: time)
    case (.histogram(let value), let edges?):
      writer.explicitPoint(value, edges, of: point, keys: keys, time: time)
    case (.integer, _), (.double, _):
      writer.numberPoint(point, keys: keys, time: time)
    }
    // The chunk's own length must be nameable as well.
    guard !writer.overflowed, writer.count - open.start <= WireWriter.messageSizeMax else {
      writer.rollback(to: mark)
      // A metric that was closed above is closed once more later, then with the same length.
      frame = before
      return false
    }
    open.points += 1
    frame = open
    return true
  }

  private mutating func openFrame(_ workload: UInt32, _ resource: EncodedResource) -> Frame {
    let start = writer.count
    let chunk = writer.open(field: 1)
    writer.raw(resource.encoded)
    let scopeMessage = writer.open(field: 2)
    writer.raw(scope.encoded)
    return Frame(start: start, chunk: chunk, scope: scopeMessage, workload: workload)
  }

  /// Opens a Metric up to its data points.
  ///
  /// What follows them in the schema is written before them, so that closing needs no room.
  private mutating func openMetric(
    _ index: Int, _ instrument: MetricSnapshot.Instrument
  ) -> OpenMetric {
    let descriptor = instrument.descriptor
    let message = writer.open(field: 2)
    writer.string(descriptor.name, field: 1)
    writer.string(descriptor.help, field: 2)
    writer.string(descriptor.unit, field: 3)
    let field: UInt32 =
      switch descriptor.kind {
      case .gauge: 5
      case .counter, .upDownCounter: 7
      case .histogram: edges == nil ? 10 : 9
      }
    let data = writer.open(field: field)
    if descriptor.kind != .gauge { writer.varint(instrument.temporality.rawValue, field: 2) }
    if descriptor.kind == .counter { writer.varint(1, field: 3) }
    return OpenMetric(instrument: index, message: message, data: data)
  }

  private mutating func close(_ metric: OpenMetric) {
    writer.close(metric.data)
    writer.close(metric.message)
  }

  private mutating func finishFrame() {
    guard let open = frame else { return }
    frame = nil
    if let metric = open.metric { close(metric) }
    writer.close(open.scope)
    writer.close(open.chunk)
    sealed.chunks.append(
      SealedBatch.Chunk(
        offset: open.start, byteCount: writer.count - open.start, recordCount: open.points,
        workload: open.workload))
    sealed.recordCount += open.points
    outcome.points += open.points
  }

  /// Metrics come once per interval, so the bytes are copied and the warm arena stays.
  private mutating func seal(_ emit: (SealedBatch) -> Void) {
    defer {
      writer.rollback(to: 0)
      sealed = SealedIndex()
    }
    guard !sealed.chunks.isEmpty else { return }
    let bytes = unsafe writer.written
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: bytes.count, alignment: 16)
    unsafe memory.copyMemory(from: bytes)
    sealed.byteCount = bytes.count
    sealed.slices = [SealedBatch.Slice(offset: 0, count: UInt32(bytes.count))]
    unsafe emit(
      SealedBatch(signal: .metrics, index: sealed, heads: memory, arena: nil, pool: pool))
  }
}

/// Where in a snapshot a point is.
private struct PointPlace {
  var workload: UInt32
  var instrument: Int
  var point: Int
}

extension MetricSnapshot {
  /// All points, those of a workload together, instruments in their order.
  fileprivate func placesByWorkload() -> [PointPlace] {
    var places: [PointPlace] = []
    for (instrument, points) in instruments.enumerated() {
      for (index, point) in points.points.enumerated() {
        places.append(PointPlace(workload: point.workload, instrument: instrument, point: index))
      }
    }
    places.sort {
      ($0.workload, $0.instrument, $0.point) < ($1.workload, $1.instrument, $1.point)
    }
    return places
  }
}
