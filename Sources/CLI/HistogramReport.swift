// SPDX-License-Identifier: Apache-2.0
// What runqlat and biolatency print at the end of an interval: a histogram for each key.

/// What one histogram is of.
package enum HistogramKey: Equatable, Sendable {
  /// The only one.
  case everything
  case process(UInt64, comm: String)
  case thread(UInt64, comm: String)
  case pidNamespace(UInt64, comm: String)
  case disk(String)
  case flags(RequestFlags)
  /// All that found no room among so many.
  case other(roomFor: Int)

  var heading: String? {
    switch self {
    case .everything: nil
    case .process(let id, let comm): "pid = \(id) \(printable(comm))"
    case .thread(let id, let comm): "tid = \(id) \(printable(comm))"
    case .pidNamespace(let id, let comm): "pidns = \(id) \(printable(comm))"
    case .disk(let name): "disk = \(printable(name))"
    case .flags(let flags): "flags = \(flags.words)"
    case .other(let room): "other = more than the \(room) that there is room for"
    }
  }

  func add(to object: inout JSONLine) {
    func add(_ name: String, _ id: UInt64, _ comm: String) {
      object.add(name, id)
      object.add("comm", comm)
    }
    switch self {
    case .everything: break
    case .process(let id, let comm): add("pid", id, comm)
    case .thread(let id, let comm): add("tid", id, comm)
    case .pidNamespace(let id, let comm): add("pidns", id, comm)
    case .disk(let name): object.add("disk", name)
    case .flags(let flags): object.add("flags", flags.words)
    case .other: object.add("other", true)
    }
  }
}

package struct HistogramReport: Sendable {
  package struct Series: Sendable {
    package let key: HistogramKey
    /// With `isExponential` fine buckets, else bcc's slots of powers of two in the same array.
    package let counts: FineBuckets

    package init(_ key: HistogramKey, _ counts: FineBuckets) {
      self.key = key
      self.counts = counts
    }
  }

  package let unit: TimeUnit
  package let isExponential: Bool
  package let hasTimestamp: Bool

  /// The interval as the models print it; series without a count are left out.
  package func text(_ series: [Series], timeOfDay: String) -> String {
    var out = "\n"
    if hasTimestamp { out += timeOfDay + "\n" }
    for entry in series where entry.counts.total > 0 {
      if let heading = entry.key.heading { out += "\n\(heading)\n" }
      out +=
        isExponential
        ? entry.counts.drawn() : Log2Histogram(countedIn: entry.counts).drawn(label: unit.rawValue)
    }
    return out + "\n"
  }

  /// An object for each series with a count; one that says 0 when nothing was counted, so that a
  /// reader sees that the interval has passed.
  package func json(_ series: [Series], time: String) -> [String] {
    let counted = series.filter { $0.counts.total > 0 }
    if counted.isEmpty {
      let nothing = FineBuckets(firstIndex: 0, counts: [], zeroCount: 0, aboveCount: 0)
      return [object(Series(.everything, nothing), time)]
    }
    return counted.map { object($0, time) }
  }

  private func object(_ series: Series, _ time: String) -> String {
    var object = JSONLine()
    object.add("time", time)
    series.key.add(to: &object)
    object.add("count", series.counts.total)
    if isExponential {
      object.add("unit", "s")
      object.add("scale", FineBuckets.scale)
      object.add("offset", series.counts.firstIndex)
      object.add("zero_count", series.counts.zeroCount)
      object.add("buckets", series.counts.counts)
      object.add("above_count", series.counts.aboveCount)
    } else {
      object.add("unit", unit.rawValue)
      object.add("histogram", Log2Histogram(countedIn: series.counts).objects)
    }
    return object.finished()
  }
}

extension RunqlatOptions {
  package static let tracing = "Tracing run queue latency... Hit Ctrl-C to end."

  package var timeUnit: TimeUnit { milliseconds ? .milliseconds : .microseconds }
  package var report: HistogramReport {
    HistogramReport(unit: timeUnit, isExponential: exponential, hasTimestamp: timestamp)
  }
}

extension BiolatencyOptions {
  package static let tracing = "Tracing block device I/O... Hit Ctrl-C to end."

  package var timeUnit: TimeUnit { milliseconds ? .milliseconds : .microseconds }
  package var report: HistogramReport {
    HistogramReport(unit: timeUnit, isExponential: exponential, hasTimestamp: timestamp)
  }
}

extension Log2Histogram {
  /// A kernel half that is told a unit counts in these slots, not in fine buckets.
  package init(countedIn counted: FineBuckets) {
    self.init(slots: Array(counted.counts.prefix(Self.slotsMax)))
  }

  /// The slots that hold something.
  fileprivate var objects: [JSONLine] {
    slots.indices.filter { slots[$0] > 0 }.map { slot in
      var object = JSONLine()
      object.add("low", Self.low(slot))
      object.add("high", Self.high(slot))
      object.add("count", slots[slot])
      return object
    }
  }
}
