// SPDX-License-Identifier: Apache-2.0
// The drawing is libbpf-tools', to the byte; the conversion loses no count.

import CLI
import Glibc
import Testing

@Suite("histograms on the terminal")
struct HistogramTests {
  // Printed by Debian's libbpf-tools runqlat 1 1; slots above are its counts.
  private static let real = """
         usecs               : count    distribution
             0 -> 1          : 26       |**************                          |
             2 -> 3          : 73       |****************************************|
             4 -> 7          : 25       |*************                           |
             8 -> 15         : 23       |************                            |
            16 -> 31         : 69       |*************************************   |
            32 -> 63         : 28       |***************                         |
            64 -> 127        : 4        |**                                      |
           128 -> 255        : 2        |*                                       |
           256 -> 511        : 3        |*                                       |
           512 -> 1023       : 2        |*                                       |

    """

  @Test("the drawing equals that of the real runqlat")
  func equalsReal() {
    let slots: [UInt64] = [26, 73, 25, 23, 69, 28, 4, 2, 3, 2, 0, 0]
    #expect(Log2Histogram(slots: slots).drawn(label: "usecs") == Self.real)
  }

  @Test("above slot 32 the columns are wider and the bar is half")
  func wide() {
    var slots = [UInt64](repeating: 0, count: 64)
    slots[33] = 2
    let lines = Log2Histogram(slots: slots).drawn(label: "bytes").split(separator: "\n")
    #expect(lines.count == 35)
    #expect(lines[0] == "               bytes                         : count    distribution")
    #expect(
      lines[1] == "                   0 -> 1                    : 0        |                    |")
    #expect(
      lines[34] == "          8589934592 -> 17179869183          : 2        |********************|")
  }

  @Test("nothing counted draws nothing")
  func empty() {
    #expect(Log2Histogram(slots: [0, 0]).drawn(label: "usecs") == "")
    #expect(FineBuckets(firstIndex: -160, counts: [0], zeroCount: 0).drawn() == "")
  }

  @Test("counts too large for 32 bits keep their bar")
  func largeCounts() {
    let text = Log2Histogram(slots: [.max / 2, .max]).drawn(label: "usecs")
    #expect(text.contains(": 9223372036854775807 |*******************                     |"))
    #expect(text.contains(": 18446744073709551615 |****************************************|"))
  }

  @Test("zero and everything up to the first edge is in the first slot")
  func firstSlot() {
    // Indices −216 … −153 end at or below 2 µs, whose edge lies in bucket −152.
    let fine = FineBuckets(firstIndex: -216, counts: Array(repeating: 1, count: 64), zeroCount: 5)
    let histogram = Log2Histogram(fine, unit: .microseconds)
    #expect(histogram.slots[0] == 69)
    #expect(histogram.slots.dropFirst().allSatisfy { $0 == 0 })
  }

  @Test("a bucket across an edge is split by logarithmic width, and the total is exact")
  func split() {
    let micro = Log2Histogram(
      FineBuckets(firstIndex: -152, counts: [1_000_000_000], zeroCount: 0), unit: .microseconds)
    #expect(micro.slots[0] == 547_451_445 && micro.slots[1] == 452_548_555)
    let milli = Log2Histogram(
      FineBuckets(firstIndex: -72, counts: [1_000_000_000], zeroCount: 0), unit: .milliseconds)
    #expect(milli.slots[0] == 273_725_723 && milli.slots[1] == 726_274_277)
    for count in UInt64(1)...200 {
      for unit in [TimeUnit.microseconds, .milliseconds] {
        let fine = FineBuckets(
          firstIndex: -240, counts: Array(repeating: count, count: 300), zeroCount: 7)
        #expect(Log2Histogram(fine, unit: unit).slots.reduce(0, +) == fine.total)
      }
    }
  }

  /// The oracle places each bucket by its edges in the C library's arithmetic.
  @Test("each bucket lies in the slot of its edges, and only one in eight lies in two")
  func againstEdges() {
    for (unit, seconds) in [(TimeUnit.microseconds, 1e-6), (.milliseconds, 1e-3)] {
      for index in -200..<56 {
        let histogram = Log2Histogram(
          FineBuckets(firstIndex: index, counts: [1000], zeroCount: 0), unit: unit)
        let low = max(0, Int(floor(log2(exp2(Double(index) / 8) / seconds))))
        let high = max(0, Int(floor(log2(exp2(Double(index + 1) / 8) / seconds))))
        let used = histogram.slots.indices.filter { histogram.slots[$0] > 0 }
        #expect(used == (low == high ? [low] : [low, high]), "\(unit) \(index)")
      }
    }
  }

  /// A known sample through both ways: truncated to slots as bcc does, and by way of buckets.
  @Test("a smooth distribution keeps its shape to 0.01 by Kolmogorov's distance")
  func shape() {
    var direct = [UInt64](repeating: 0, count: 64)
    var fine = [UInt64](repeating: 0, count: 400)
    var state: UInt64 = 88_172_645_463_325_252
    let samples = 100_000
    for _ in 0..<samples {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      // Exponential waits with a mean of 40 µs, in nanoseconds.
      let uniform = Double(state >> 11) / 9_007_199_254_740_992
      let nanoseconds = UInt64(-40_000 * log(1 - uniform)) + 1
      let micros = nanoseconds / 1000
      direct[micros == 0 ? 0 : 63 - micros.leadingZeroBitCount] += 1
      fine[Int(ceil(8 * log2(Double(nanoseconds) * 1e-9))) - 1 + 300] += 1
    }
    let converted = Log2Histogram(
      FineBuckets(firstIndex: -300, counts: fine, zeroCount: 0), unit: .microseconds)
    var distance = 0.0
    var sums = (0.0, 0.0)
    for slot in 0..<64 {
      sums.0 += Double(direct[slot]) / Double(samples)
      sums.1 += Double(converted.slots[slot]) / Double(samples)
      distance = max(distance, abs(sums.0 - sums.1))
    }
    #expect(distance < 0.01)
  }

  @Test("the finer drawing shows edges in microseconds from the first count to the last")
  func exponential() {
    let text = FineBuckets(firstIndex: -160, counts: [0, 2, 0, 4, 0], zeroCount: 1).drawn()
    #expect(
      text == """
                  usecs                  : count    distribution
                 0.000 -> 0.000          : 1        |**********                              |
                 1.040 -> 1.134          : 2        |********************                    |
                 1.134 -> 1.237          : 0        |                                        |
                 1.237 -> 1.349          : 4        |****************************************|

        """)
  }

  @Test("edges in nanoseconds are those of the exponential scale")
  func edges() {
    for index in -240..<100 {
      let expected = UInt64((exp2(Double(index) / 8) * 1e9).rounded())
      #expect(FineBuckets.nanoseconds(edge: index) == expected, "\(index)")
    }
    #expect(FineBuckets.nanoseconds(edge: 0) == 1_000_000_000)
  }
}
