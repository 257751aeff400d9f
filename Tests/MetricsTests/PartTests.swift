// SPDX-License-Identifier: Apache-2.0
// The store in parts: each series once, and never many at a time.

import Testing

@testable import Metrics

@Suite("the store in parts")
struct PartTests {
  private let store = MetricStore()
  private let instruments: [InstrumentID]

  init() {
    let store = store
    instruments = ["one", "two"].map { name in
      store.register(
        InstrumentDescriptor(
          name: name, unit: "", help: "", kind: .counter, attributeKeys: ["key"]))
    }
  }

  /// Adds so many series of each instrument, of seven workloads in turn.
  private func fill(_ count: Int) throws -> [SeriesID] {
    try instruments.flatMap { instrument in
      try (0..<count).map { place in
        let series = try #require(
          store.series(
            instrument, workload: UInt32(place % 7), attributes: ["\(place)"],
            startUnixNanoseconds: 1))
        store.add(Int64(place), to: series)
        return series
      }
    }
  }

  private func parts(
    where isWanted: (UInt32, SeriesID) -> Bool = { _, _ in true }
  ) -> [[MetricPoint]] {
    var parts: [[MetricPoint]] = []
    store.forEachPart(unixNanoseconds: 9, where: isWanted) { part in
      #expect(part.unixNanoseconds == 9 && part.instruments.count == 2)
      parts.append(part.instruments.flatMap(\.points))
    }
    return parts
  }

  @Test(
    "have every series once, at most 128 at a time, workload by workload",
    arguments: [0, 1, 63, 64, 65, 700])
  func whole(count: Int) throws {
    let ids = try fill(count)
    let parts = parts()
    #expect(parts.count == (2 * count + 127) / 128)
    #expect(parts.allSatisfy { $0.count <= 128 })
    let points = parts.flatMap(\.self)
    #expect(points.count == ids.count && Set(points.compactMap(\.series)) == Set(ids))
    let workloads = parts.flatMap { Set($0.map(\.workload)).sorted() }
    #expect(workloads == workloads.sorted())
    let sum = points.reduce(into: 0 as Int64) {
      if case .integer(let value) = $1.value { $0 += value }
    }
    #expect(sum == Int64(count * (count - 1)))
  }

  @Test("have what is asked for, and not what has ended")
  func some() throws {
    let ids = try fill(300)
    store.remove(ids[3])
    #expect(parts(where: { workload, _ in workload == 3 }).flatMap(\.self).count == 2 * 43 - 1)
    #expect(parts(where: { _, series in series == ids[5] }).map(\.count) == [1])
    // All end while parts are made of what was there, and one that is new has a place of theirs.
    var isFirst = true
    var seen = 0
    store.forEachPart(unixNanoseconds: 1) { part in
      if isFirst {
        for id in ids { store.remove(id) }
        _ = store.series(
          instruments[0], workload: 1, attributes: ["new"], startUnixNanoseconds: 1)
      }
      isFirst = false
      seen += part.instruments.reduce(0) { $0 + $1.points.count }
    }
    #expect(seen == 128)
  }

  // The memory budget counts on it.
  @Test("where a series is takes 16 bytes")
  func size() {
    #expect(MemoryLayout<SeriesPlace>.stride == 16)
    #expect(MetricStore.partsBytesMax(series: 10_000) < 1 << 20)
  }
}
