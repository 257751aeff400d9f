// SPDX-License-Identifier: Apache-2.0
// One interval of runqlat, laid out as bcc's tool does, or as JSON lines.

/// One histogram; `key` is the pid, tid or namespace that the grouping asks for.
package struct RunqlatRow: Sendable {
  package let key: UInt64
  package let comm: String
  package let buckets: FineBuckets

  package init(key: UInt64, comm: String, buckets: FineBuckets) {
    self.key = key
    self.comm = comm
    self.buckets = buckets
  }
}

extension RunqlatOptions.Grouping {
  /// The word before a histogram and the JSON member; nil when all tasks share one.
  fileprivate var keyName: String? {
    switch self {
    case .all: nil
    case .processes: "pid"
    case .threads: "tid"
    case .pidNamespaces: "pidns"
    }
  }
}

extension RunqlatOptions {
  package static let banner = "Tracing run queue latency... Hit Ctrl-C to end.\n"

  private var unit: TimeUnit { milliseconds ? .milliseconds : .microseconds }

  /// Everything that one interval prints, with its newlines; `timeOfDay` is HH:MM:SS.
  package func report(_ rows: [RunqlatRow], timeOfDay: String) -> String {
    if json { return rows.map { object($0, timeOfDay).finished() + "\n" }.joined() }
    var out = "\n"
    if timestamp { out += left(timeOfDay, 8) + "\n" }
    for row in rows {
      if let keyName = grouping.keyName {
        out += "\n\(keyName) = \(row.key) \(printable(row.comm))\n"
      }
      out +=
        exponential
        ? row.buckets.drawn()
        : Log2Histogram(row.buckets, unit: unit).drawn(label: unit.rawValue)
    }
    return out
  }

  private func object(_ row: RunqlatRow, _ timeOfDay: String) -> JSONLine {
    var object = JSONLine()
    if timestamp { object.add("time", timeOfDay) }
    if let keyName = grouping.keyName {
      object.add(keyName, row.key)
      object.add("comm", row.comm)
    }
    object.add("count", row.buckets.total)
    if exponential {
      // OTLP's own members, so that nothing of the finer buckets is lost on the way to a program.
      object.add("scale", 3)
      object.add("zero_count", row.buckets.zeroCount)
      object.add("offset", row.buckets.firstIndex)
      object.add("bucket_counts", row.buckets.counts)
      return object
    }
    object.add("unit", unit.rawValue)
    let slots = Log2Histogram(row.buckets, unit: unit).slots
    let used = slots.prefix((slots.lastIndex { $0 > 0 } ?? -1) + 1)
    object.add(
      "slots",
      used.enumerated().map { slot, count in
        var member = JSONLine()
        member.add("low", Log2Histogram.low(slot))
        member.add("high", Log2Histogram.high(slot))
        member.add("count", count)
        return member
      })
    return object
  }
}
