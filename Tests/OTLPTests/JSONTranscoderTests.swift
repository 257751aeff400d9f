// SPDX-License-Identifier: Apache-2.0

import Fuzzing
import OTLP
import Testing

@Suite("JSON transcoding")
struct JSONTranscoderTests {
  private func line(_ body: [UInt8], _ signal: Signal = .logs) throws(WireError) -> String {
    var transcoder = JSONTranscoder()
    var line: [UInt8] = []
    try transcoder.appendLine(of: body.span, signal, to: &line)
    return String(decoding: line, as: UTF8.self)
  }

  @Test("an empty request is an empty object")
  func empty() throws {
    #expect(try line([]) == "{}\n")
    #expect(try line([0x0a, 0]) == "{\"resourceLogs\":[{}]}\n")
  }

  @Test("fields that the schema does not know are skipped")
  func unknownFields() throws {
    let unknown: [UInt8] = [0x78, 1, 0x7d, 1, 2, 3, 4, 0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7a, 1, 9]
    #expect(try line(unknown + [0x0a, 0]) == "{\"resourceLogs\":[{}]}\n")
  }

  @Test(
    "what is not protobuf is an error that says where",
    arguments: [
      ([0x0a], .truncated(offset: 1)), ([0x0a, 5, 0], .truncated(offset: 0)),
      ([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], .truncated(offset: 0)),
      ([0x00, 1], .tag(offset: 0)), ([0x0b], .tag(offset: 0)), ([0x0f], .tag(offset: 0)),
      ([UInt8](repeating: 0x80, count: 10), .varintTooLong(offset: 0)),
      ([0x08, 1], .wireType(offset: 2, field: 1)),
      ([0x0a, 3, 0x1a, 1, 0xff], .text(offset: 4)), ([0x79, 1, 2], .truncated(offset: 1)),
    ] as [([UInt8], WireError)])
  func malformed(_ row: ([UInt8], WireError)) {
    #expect(throws: row.1) { try line(row.0) }
  }

  @Test("nesting has a bound")
  func depth() {
    // AnyValue in ArrayValue in AnyValue …, inside an attribute of a Resource.
    var value: [UInt8] = []
    for turn in 0..<200 {
      var length: [UInt8] = []
      var rest = value.count
      while rest >= 0x80 {
        length.append(UInt8(rest & 0x7f) | 0x80)
        rest >>= 7
      }
      length.append(UInt8(rest))
      value = [turn % 2 == 0 ? 0x0a : 0x2a] + length + value
    }
    for tag in [0x12, 0x0a, 0x0a, 0x0a] as [UInt8] {
      value = [tag, UInt8(value.count & 0x7f) | 0x80, UInt8(value.count >> 7)] + value
    }
    #expect(throws: WireError.self) { try line(value) }
    let error = #expect(throws: WireError.self) { try line(value) }
    if case .depth = error {} else { Issue.record("\(String(describing: error))") }
  }

  @Test("truncated and damaged bodies give text or an error, never a trap")
  func damaged() throws {
    let batch = try #require(knownLogs(arenaSize: 1 << 20))
    let body = Array(bytes(of: batch).prefix(3000))
    var errors = 0
    for size in 0..<body.count where (try? line(Array(body[..<size]))) == nil { errors += 1 }
    #expect(errors >= body.count - 2)
    Fuzzing.run("damaged batches") { dice in
      for _ in 0..<3000 {
        var damaged = body
        for _ in 0..<3 {
          let place = Int.random(in: 0..<damaged.count, using: &dice)
          damaged[place] = UInt8.random(in: 0...255, using: &dice)
        }
        // Either outcome is right; what matters is to come back.
        _ = try? line(damaged)
        _ = try? line(damaged, .metrics)
        _ = try? line(damaged, .traces)
      }
    }
  }

  @Test("after an error the output is as it was")
  func outputRestored() {
    var transcoder = JSONTranscoder()
    var output: [UInt8] = [1, 2]
    #expect(throws: WireError.self) {
      try transcoder.appendLine(of: [0x0a, 0, 0x0a].span, .logs, to: &output)
    }
    #expect(output == [1, 2])
  }
}
