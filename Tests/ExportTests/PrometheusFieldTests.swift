// SPDX-License-Identifier: Apache-2.0
// Fields of the protobuf page that scrapers do without, so that nobody would miss them.

import Testing

@testable import Export

@Suite("fields of the protobuf page")
struct PrometheusFieldTests {
  private func double(_ tag: UInt8, _ value: Double) -> [UInt8] {
    [tag] + (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
  }

  private func page() -> [UInt8] {
    var exposition = PrometheusExposition(targetLabels: [])
    return rendered(sample(), &exposition, .protobuf)
  }

  @Test("a counter says when it began") func created() {
    // value 23; created_timestamp { seconds: 0, nanos: 1 }, with a length of four bytes
    let field = double(0x09, 23) + [0x1a, 0x84, 0x80, 0x80, 0, 0x08, 0, 0x10, 1]
    #expect(page().firstRange(of: field) != nil)
  }

  @Test("a native histogram says how many values count as zero") func zero() {
    // zero_threshold, then zero_count: 2
    #expect(page().firstRange(of: double(0x31, 0x1p-23) + [0x38, 2]) != nil)
  }

  @Test("what one large family takes is not kept") func kept() {
    var page = PrometheusPage()
    let begun = page.begin(in: [], isGzipped: true)
    #expect(begun)
    page.bytes = [UInt8](repeating: 0x20, count: 2 << 20)
    page.drain()
    let whole = page.finish()
    let capacity = page.bytes.capacity
    #expect(!whole.isEmpty && capacity <= 1 << 20)
  }
}
