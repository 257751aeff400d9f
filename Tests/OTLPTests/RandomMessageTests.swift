// SPDX-License-Identifier: Apache-2.0
// Random requests of the official classes, transcoded; random batches of ours, read by them.

import Fuzzing
import Metrics
import OTLP
import Testing

/// Length-delimited messages, as random_otlp.py has them.
struct Frames {
  static func split(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    var frames: [ArraySlice<UInt8>] = []
    var place = 0
    while place + 4 <= bytes.count {
      let size = (0..<4).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
      frames.append(bytes[place + 4..<place + 4 + size])
      place += 4 + size
    }
    return frames
  }

  static func append(_ body: [UInt8], to bytes: inout [UInt8]) {
    for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: body.count >> (8 * shift))) }
    bytes += body
  }
}

@Suite(
  "random messages",
  .enabled(if: Decoder.isInstalled, "needs .build/venv with opentelemetry-proto"))
struct RandomMessageTests {
  private let signals: [(name: String, signal: Signal)] = [
    ("logs", .logs), ("metrics", .metrics), ("traces", .traces),
  ]

  @Test("JSON of a random request is that request, also with fields of a newer schema")
  func transcoded() throws {
    try Fuzzing.run("random requests") { dice in try transcode(dice.below(1 << 30)) }
  }

  private func transcode(_ seed: Int) throws {
    let scratch = ScratchDirectory()
    let made = Decoder.run("make \(scratch.path) \(seed) 300", script: "random_otlp.py")
    #expect(made.status == 0, "seed \(seed): \(made.output)")
    var transcoder = JSONTranscoder()
    for (name, signal) in signals {
      var lines: [UInt8] = []
      for body in Frames.split(scratch.read("\(name).bin")) {
        try transcoder.appendLine(of: Array(body).span, signal, to: &lines)
      }
      scratch.write("\(name).jsonl", lines)
    }
    let result = Decoder.run("compare \(scratch.path)", script: "random_otlp.py")
    #expect(
      result.status == 0 && result.output == "900 compared\n", "seed \(seed): \(result.output)")
  }

  @Test("random requests that were damaged give text or an error, never a trap")
  func damaged() throws {
    try Fuzzing.run("damaged requests") { dice in try damage(&dice) }
  }

  private func damage(_ dice: inout Dice) throws {
    let seed = dice.below(1 << 30)
    let scratch = ScratchDirectory()
    let made = Decoder.run("make \(scratch.path) \(seed) 120", script: "random_otlp.py")
    #expect(made.status == 0, "seed \(seed): \(made.output)")
    var transcoder = JSONTranscoder()
    var (texts, errors) = (0, 0)
    for (name, signal) in signals {
      for body in Frames.split(scratch.read("\(name).bin")) where !body.isEmpty {
        for turn in 0..<8 {
          var damaged = Array(body)
          if turn % 2 == 0 { damaged.removeLast(dice.below(damaged.count)) }
          for _ in 0..<turn {
            damaged[dice.below(damaged.count)] ^= 1 << UInt8(dice.below(8))
          }
          var line: [UInt8] = []
          do {
            try transcoder.appendLine(of: damaged.span, signal, to: &line)
            texts += 1
          } catch { errors += 1 }
        }
      }
    }
    #expect(texts > 100 && errors > 100)
  }

  @Test("7000 random batches of log records hold what was encoded")
  func logs() {
    var source = RandomLogs()
    let (bytes, expected) = source.make(batches: 7000)
    judge("logs", 7000, bytes, expected)
  }

  @Test("3000 random snapshots hold what was measured, in every form")
  func metrics() {
    var source = RandomMetrics()
    let (bytes, expected) = source.make(batches: 3000)
    judge("metrics", 3000, bytes, expected)
  }

  private func judge(_ kind: String, _ batches: Int, _ bytes: [UInt8], _ expected: String) {
    let scratch = ScratchDirectory()
    scratch.write("batches.bin", bytes)
    scratch.write("expected.txt", Array(expected.utf8))
    let result = Decoder.run("\(kind) \(scratch.path)", script: "random_otlp.py")
    #expect(
      result.status == 0 && result.output.hasPrefix("\(batches) batches, "), "\(result.output)")
  }
}
