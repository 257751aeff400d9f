// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Metrics

@Suite("the size of a series")
struct SizeTests {
  // Each counter's series had room for a histogram: 2000 of them took 11 MB, and now 4.
  @Test("a counter's series has no room for a histogram")
  func counter() {
    #expect(MemoryLayout<SeriesState>.size < 256)
  }
}
