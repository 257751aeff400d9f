// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Platform

@Suite struct GzipTests {
  /// What gzip(1) makes of `bytes`.
  private func expanded(_ bytes: [UInt8]) throws -> [UInt8] {
    let path = "/tmp/apus-gzip-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    let file = try Descriptor(path: path, flags: O_CREAT | O_WRONLY, mode: 0o600)
    defer { unlink(path) }
    try bytes.withUnsafeBytes { try file.writeAll($0) }
    let pipe = try #require(popen("gzip -dc < \(path)", "r"))
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = fread(&chunk, 1, chunk.count, pipe)
      if count == 0 { break }
      output += chunk[..<count]
    }
    #expect(pclose(pipe) == 0)
    return output
  }

  /// Without `#require`, which takes no value that cannot be copied.
  private func compressor(level: Int32) throws -> Gzip {
    guard let gzip = Gzip(level: level) else { throw SystemError("deflateInit2", code: ENOMEM) }
    return gzip
  }

  private func compressed(_ gzip: inout Gzip, _ parts: [[UInt8]]) -> [UInt8] {
    var output: [UInt8] = []
    for part in parts { part.withUnsafeBytes { gzip.append($0, to: &output) } }
    gzip.finish(to: &output)
    return output
  }

  @Test func gzipReadsWhatWasWrittenInPieces() throws {
    var gzip = try compressor(level: 1)
    let random = (0..<300_000).map { _ in UInt8.random(in: 0...255) }
    let output = compressed(&gzip, [Array(random[..<7]), [], Array(random[7...])])
    #expect(try expanded(output) == random)
  }

  @Test func oneCompressorMakesManyStreams() throws {
    var gzip = try compressor(level: 6)
    for round in 0..<5 {
      let text = [UInt8](repeating: UInt8(ascii: "a") + UInt8(round), count: 100_000)
      let output = compressed(&gzip, [text])
      #expect(output.count < 1000)
      #expect(try expanded(output) == text)
    }
  }

  @Test func nothingIsAStreamToo() throws {
    var gzip = try compressor(level: 1)
    #expect(try expanded(compressed(&gzip, [])) == [])
  }

  @Test func aStreamThatWasBegunIsForgotten() throws {
    var gzip = try compressor(level: 1)
    var lost: [UInt8] = []
    [UInt8](repeating: 1, count: 100_000).withUnsafeBytes { gzip.append($0, to: &lost) }
    gzip.reset()
    #expect(try expanded(compressed(&gzip, [[1, 2, 3]])) == [1, 2, 3])
  }
}
