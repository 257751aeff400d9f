// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

/// Counts allocations of the benchmark from outside, as no hook inside sees all of them.
@Suite("allocations")
struct AllocationTests {
  private static let bench = Decoder.root + "/.build/debug/apus-bench"

  @Test(
    "a hundred thousand records more allocate for their batches only",
    .enabled(if: access(bench, X_OK) == 0, "needs apus-bench beside the tests"))
  func perRecord() throws {
    let scratch = ScratchDirectory()
    let library = scratch.path + "/malloc_count.so"
    let source = Decoder.root + "/Tests/native/malloc_count.c"
    let built = shell("cc -shared -fPIC -O2 -o \(library) '\(source)'")
    try #require(built.status == 0, "\(built.output)")
    let few = try #require(count(records: 10_000, library))
    let many = try #require(count(records: 110_000, library))
    // Two passes, each of about 92 batches more. Sealing one takes a few blocks when optimised and
    // some dozens when not; a single block per record would be 200,000.
    #expect(many - few <= 2 * 92 * 64)
    #expect(many > few, "the counter counts")
  }

  private func count(records: Int, _ library: String) -> Int? {
    let output = shell("LD_PRELOAD=\(library) '\(Self.bench)' \(records) 1").output
    let mark = "malloc_count: "
    return output.split(separator: "\n").last { $0.hasPrefix(mark) }
      .flatMap { Int($0.dropFirst(mark.count)) }
  }
}
