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
    let nothing = FineBuckets(firstIndex: -160, counts: [0], zeroCount: 0, aboveCount: 0)
    #expect(nothing.drawn() == "")
  }

  @Test("counts too large for 32 bits keep their bar")
  func largeCounts() {
    let text = Log2Histogram(slots: [.max / 2, .max]).drawn(label: "usecs")
    #expect(text.contains(": 9223372036854775807 |*******************                     |"))
    #expect(text.contains(": 18446744073709551615 |****************************************|"))
  }

  @Test("the finer drawing shows edges in microseconds from the first count to the last")
  func exponential() {
    let counts = FineBuckets(
      firstIndex: -160, counts: [0, 2, 0, 4, 0], zeroCount: 1, aboveCount: 0)
    #expect(
      counts.drawn() == """
                  usecs                  : count    distribution
                 0.000 -> 0.000          : 1        |**********                              |
                 1.040 -> 1.134          : 2        |********************                    |
                 1.134 -> 1.237          : 0        |                                        |
                 1.237 -> 1.349          : 4        |****************************************|

        """)
  }

  @Test("what is longer than the buckets reach has a row without an upper edge")
  func above() {
    let counts = FineBuckets(firstIndex: 71, counts: [4], zeroCount: 0, aboveCount: 2)
    #expect(
      counts.drawn() == """
                  usecs                  : count    distribution
         469506070.121 -> 512000000.000  : 4        |****************************************|
         512000000.000 -> longer         : 2        |********************                    |

        """)
    let alone = FineBuckets(firstIndex: 71, counts: [0], zeroCount: 0, aboveCount: 2)
    #expect(alone.drawn().split(separator: "\n").count == 2)
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
