// SPDX-License-Identifier: Apache-2.0
// Whether files could be written is found without making any.

import Config
import Glibc
import Platform
import Testing

@testable import Export

@Suite("looking at files to write") struct OutputFileCheckTests {
  private func faults(_ path: String) throws -> [Int32?] {
    let settings = try Settings.resolve(
      yaml: nil, fileName: "", environment: { _ in nil }, flags: [.filePath: .text(path)])
    return OutputFileCheck.run(settings).map { $0.fault?.code }
  }

  @Test("directories that are not there, and files that are") func paths() throws {
    let directory = "/tmp/apus-look-\(getpid())"
    #expect(try faults("\(directory)/x") == [ENOENT])
    try #require(mkdir(directory, 0o700) == 0)
    defer { rmdir(directory) }
    #expect(try faults("\(directory)/x") == [nil])
    #expect(access("\(directory)/x", F_OK) != 0, "nothing is made")
    #expect(try faults("\(directory)/{signal}/x") == [ENOENT, ENOENT])
    #expect(try faults(directory) == [EISDIR])
    #expect(try faults("\(directory)/") == [EISDIR])
    #expect(try faults("/proc/version/x") == [ENOTDIR])
    #expect(try faults("-") == [])
  }

  @Test("README's table has the remedy of each loss") func remedies() throws {
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    let readme = try readFile((root + ["README.md"]).joined(separator: "/"), limit: 1 << 20)
    let rows = String(decoding: readme, as: UTF8.self).split(separator: "\n").map { line in
      line.split(separator: "|").map { cell in
        String(cell.drop { $0 == " " }).filter { $0 != "`" }
      }
    }
    for loss in Loss.allCases {
      let row = rows.first { cells in
        cells.count == 4 && cells[0] == "\(loss.hop) "
          && cells[1].split(whereSeparator: { ", ".contains($0) }).contains { $0 == loss.reason }
      }
      #expect(row?[3] == "\(loss.remedy) ", "\(loss)")
    }
  }
}
