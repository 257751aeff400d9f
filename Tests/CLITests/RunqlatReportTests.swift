// SPDX-License-Identifier: Apache-2.0
// The layout of one interval of runqlat, against what libbpf-tools' prints.

import CLI
import Testing

@Suite("one interval of runqlat")
struct RunqlatReportTests {
  private func report(_ line: String, _ rows: [RunqlatRow]) throws -> String {
    guard case .runqlat(let options) = try Command.parse(words("runqlat " + line)) else {
      return ""
    }
    return options.report(rows, timeOfDay: "06:52:58")
  }

  // Bucket −145 lies inside slot 1 (2 to 3 µs) whole.
  private let ksoftirqd = RunqlatRow(
    key: 14, comm: "ksoftirqd/0",
    buckets: FineBuckets(firstIndex: -145, counts: [4], zeroCount: 0))

  @Test("with -T and -L there is the time, then each thread with its histogram")
  func threads() throws {
    #expect(
      try report("-TL", [ksoftirqd]) == """

        06:52:58

        tid = 14 ksoftirqd/0
             usecs               : count    distribution
                 0 -> 1          : 0        |                                        |
                 2 -> 3          : 4        |****************************************|

        """)
  }

  @Test("alone there is a blank line and the histogram")
  func alone() throws {
    let text = try report("-m", [ksoftirqd])
    #expect(
      text == """

             msecs               : count    distribution
                 0 -> 1          : 4        |****************************************|

        """)
    #expect(try report("", []) == "\n")
  }

  @Test("JSON is one line per histogram, with slots or with the finer buckets")
  func json() throws {
    #expect(
      try report("--json -P", [ksoftirqd, ksoftirqd]).split(separator: "\n").map(String.init)
        == Array(
          repeating: #"{"pid":14,"comm":"ksoftirqd/0","count":4,"unit":"usecs","slots":["#
            + #"{"low":0,"high":1,"count":0},{"low":2,"high":3,"count":4}]}"#, count: 2))
    #expect(
      try report("--json --exponential -T", [ksoftirqd])
        == #"{"time":"06:52:58","count":4,"scale":3,"zero_count":0,"offset":-145,"#
        + #""bucket_counts":[4]}"# + "\n")
    #expect(try report("--json", []) == "")
  }
}
