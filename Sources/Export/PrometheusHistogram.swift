// SPDX-License-Identifier: Apache-2.0
// What a histogram is in Prometheus: the edges of classic buckets, and the spans of native ones.

internal import Metrics

/// The `le` edges, rendered once.
struct PrometheusEdges: Sendable {
  let edges: PowerOfTwoEdges
  /// `le="…"` for each edge, then for infinity.
  let labels: [[UInt8]]

  init(_ edges: PowerOfTwoEdges) {
    self.edges = edges
    labels = edges.bounds.map { Array("le=\"\($0)\"".utf8) } + [Array("le=\"+Inf\"".utf8)]
  }
}

/// A native histogram's buckets: runs of them, and the difference of each to the one before.
struct PrometheusSpans {
  /// Empty buckets that are cheaper to write than a new run is.
  private static let gapMax = 2

  /// The first offset is a bucket's index, the others are what lies between two runs.
  private(set) var spans: [(offset: Int32, length: UInt32)] = []
  private(set) var deltas: [Int64] = []

  /// Reads a histogram; what was kept of the one before is forgotten.
  mutating func fill(_ value: HistogramValue) {
    spans.removeAll(keepingCapacity: true)
    deltas.removeAll(keepingCapacity: true)
    var last: Int64 = 0
    var end = 0
    for (place, count) in value.counts.enumerated() where count > 0 {
      let gap = place - end
      if spans.isEmpty {
        // Prometheus names a bucket by its upper edge, OpenTelemetry by its lower one.
        spans.append((value.offset + Int32(place) + 1, 0))
      } else if gap > PrometheusSpans.gapMax {
        spans.append((Int32(gap), 0))
      } else {
        for _ in 0..<gap { append(0, &last) }
      }
      append(Int64(clamping: count), &last)
      end = place + 1
    }
    // Without any, a reader takes it for a classic histogram.
    if spans.isEmpty { spans.append((0, 0)) }
  }

  private mutating func append(_ count: Int64, _ last: inout Int64) {
    spans[spans.count - 1].length += 1
    deltas.append(count - last)
    last = count
  }
}
