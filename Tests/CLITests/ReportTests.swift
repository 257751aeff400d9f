// SPDX-License-Identifier: Apache-2.0
// What runqlat and biolatency print for an interval: headings, drawings, JSON.

@testable import CLI
import Testing

@Suite("an interval of histograms")
struct ReportTests {
  // Printed by Debian's libbpf-tools biolatency -D 2 1, but for the tab after the disk's name.
  private static let realDisks = """


    disk = vda
         usecs               : count    distribution
             0 -> 1          : 0        |                                        |
             2 -> 3          : 0        |                                        |
             4 -> 7          : 0        |                                        |
             8 -> 15         : 0        |                                        |
            16 -> 31         : 0        |                                        |
            32 -> 63         : 35       |****                                    |
            64 -> 127        : 282      |****************************************|
           128 -> 255        : 102      |**************                          |
           256 -> 511        : 115      |****************                        |
           512 -> 1023       : 27       |***                                     |
          1024 -> 2047       : 101      |**************                          |
          2048 -> 4095       : 0        |                                        |
          4096 -> 8191       : 1        |                                        |


    """

  private func slots(_ counts: UInt64...) -> FineBuckets {
    FineBuckets(firstIndex: 0, counts: counts, zeroCount: 0, aboveCount: 0)
  }

  private func report(_ line: String) throws -> HistogramReport {
    let command = try parsed(line)
    return try #require(command.biolatency?.report ?? command.runqlat?.report)
  }

  @Test("biolatency -D draws what libbpf-tools' tool draws")
  func equalsReal() throws {
    let counts = slots(0, 0, 0, 0, 0, 35, 282, 102, 115, 27, 101, 0, 1, 0)
    let text = try report("biolatency -D").text([.init(.disk("vda"), counts)], timeOfDay: "")
    #expect(text == Self.realDisks)
  }

  @Test("each key has its heading; what counted nothing is left out")
  func headings() throws {
    let keys: [HistogramKey] = [
      .process(7, comm: "a b"), .thread(8, comm: "\u{1b}c"),
      .pidNamespace(4_026_531_836, comm: "d"),
      .disk("sda"), .flags(RequestFlags(operation: 2, [.sync])), .other(roomFor: 4095),
    ]
    let series = keys.map { HistogramReport.Series($0, slots(1)) } + [.init(.disk("sdb"), slots(0))]
    let text = try report("biolatency -mT").text(series, timeOfDay: "07:08:10")
    let lines = text.split(separator: "\n").filter { !$0.contains("->") && !$0.contains("count ") }
    #expect(
      lines == [
        "07:08:10", "pid = 7 a b", "tid = 8 \\x1bc", "pidns = 4026531836 d", "disk = sda",
        "flags = Sync-Write", "other = more than the 4095 that there is room for",
      ])
    #expect(text.contains("\n\ndisk = sda\n     msecs               : count    distribution\n"))
  }

  @Test("an interval without a count is two empty lines, with -T the time between them")
  func empty() throws {
    let series = [HistogramReport.Series(.everything, slots(0, 0))]
    #expect(try report("runqlat").text(series, timeOfDay: "x") == "\n\n")
    #expect(try report("runqlat -T").text([], timeOfDay: "07:08:10") == "\n07:08:10\n\n")
  }

  @Test("the only histogram has no heading; --exponential draws the finer one")
  func everything() throws {
    let text = try report("runqlat").text([.init(.everything, slots(1))], timeOfDay: "")
    #expect(
      text == """

             usecs               : count    distribution
                 0 -> 1          : 1        |****************************************|


        """)
    let fine = FineBuckets(firstIndex: -160, counts: [0, 2], zeroCount: 0, aboveCount: 0)
    #expect(
      try report("biolatency --exponential").text([.init(.everything, fine)], timeOfDay: "")
        == "\n" + fine.drawn() + "\n")
  }

  @Test("as JSON each key is an object, and an interval without a count one that says 0")
  func json() throws {
    let series: [HistogramReport.Series] = [
      .init(.process(7, comm: "a"), slots(0, 3)), .init(.thread(8, comm: "b"), slots(1)),
      .init(.pidNamespace(9, comm: "c"), slots(0, 0, 4)), .init(.disk("sda"), slots(5)),
      .init(.flags(RequestFlags(operation: 1)), slots(6)), .init(.other(roomFor: 4), slots(7)),
      .init(.everything, slots(0)),
    ]
    #expect(
      try report("biolatency -m").json(series, time: "t") == [
        #"{"time":"t","pid":7,"comm":"a","count":3,"unit":"msecs","#
          + #""histogram":[{"low":2,"high":3,"count":3}]}"#,
        #"{"time":"t","tid":8,"comm":"b","count":1,"unit":"msecs","#
          + #""histogram":[{"low":0,"high":1,"count":1}]}"#,
        #"{"time":"t","pidns":9,"comm":"c","count":4,"unit":"msecs","#
          + #""histogram":[{"low":4,"high":7,"count":4}]}"#,
        #"{"time":"t","disk":"sda","count":5,"unit":"msecs","#
          + #""histogram":[{"low":0,"high":1,"count":5}]}"#,
        #"{"time":"t","flags":"Read","count":6,"unit":"msecs","#
          + #""histogram":[{"low":0,"high":1,"count":6}]}"#,
        #"{"time":"t","other":true,"count":7,"unit":"msecs","#
          + #""histogram":[{"low":0,"high":1,"count":7}]}"#,
      ])
    #expect(
      try report("runqlat").json([.init(.disk("sda"), slots(0))], time: "t")
        == [#"{"time":"t","count":0,"unit":"usecs","histogram":[]}"#])
    let fine = FineBuckets(firstIndex: -160, counts: [0, 2], zeroCount: 1, aboveCount: 4)
    #expect(
      try report("runqlat --exponential").json([.init(.everything, fine)], time: "t") == [
        #"{"time":"t","count":7,"unit":"s","scale":3,"offset":-160,"zero_count":1,"#
          + #""buckets":[0,2],"above_count":4}"#
      ])
  }

  // The words were printed by libbpf-tools' biolatency -F on a disk under fio.
  @Test(
    "request flags have libbpf-tools' words in its order",
    arguments: [
      (RequestFlags(operation: 4, [.sync]), "Sync-Discard"),
      (RequestFlags(operation: 1, [.readAhead]), "ReadAhead-Read"),
      (RequestFlags(operation: 2, [.priority, .metadata, .sync]), "Priority-Metadata-Sync-Write"),
      (RequestFlags(operation: 1, [.idle, .sync]), "Idle-Sync-Read"),
      (RequestFlags(operation: 3, [.preFlush]), "PreFlush-Flush"),
    ])
  func flags(flags: RequestFlags, words: String) {
    #expect(flags.words == words)
  }

  @Test("every operation and flag has a word and a bit of its own")
  func allFlags() {
    let words = (0..<16).map { RequestFlags(rawValue: $0).words }
    #expect(
      words[..<9] == [
        "Unknown", "Read", "Write", "Flush", "Discard", "SecureErase", "WriteZeroes", "Zone",
        "DrvIn",
      ])
    #expect(RequestFlags(operation: 8, [.out, .sync]).words == "Sync-DrvOut")
    #expect(words[9...].allSatisfy { $0 == "Unknown" })
    #expect(
      RequestFlags(rawValue: 0x7ff2).words
        == "NoWait-Background-ReadAhead-PreFlush-FUA-Integrity-Idle-NoMerge-Priority-Metadata-Sync-"
        + "Write")
    // The kernel's REQ_SYNC is bit 11 of cmd_flags, and its REQ_NOWAIT bit 21: ours are 7 lower.
    let bits: [RequestFlags] = [
      .sync, .metadata, .priority, .noMerge, .idle, .integrity, .forcedUnitAccess, .preFlush,
      .readAhead, .background, .noWait,
    ]
    #expect(bits.map(\.rawValue) == (4...14).map { 1 << $0 })
    #expect(RequestFlags(operation: 0xffff, [.sync]).rawValue == 0x1f)
  }
}
