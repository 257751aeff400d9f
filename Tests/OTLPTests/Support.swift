// SPDX-License-Identifier: Apache-2.0
// Files, child processes and the official decoder, for tests only.

import Glibc
import Metrics
import OTLP

func bytes(of batch: SealedBatch) -> [UInt8] {
  (0..<batch.sliceCount).flatMap { index in batch.withSlice(index) { unsafe Array($0) } }
}

/// A directory that is gone after the test.
struct ScratchDirectory: ~Copyable {
  let path: String

  init() {
    var template = Array("/tmp/apus-test-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress, let made = mkdtemp(start) else { return "/nonexistent" }
      return String(cString: made)
    }
  }

  deinit { _ = shell("rm -r '\(path)'") }

  func write(_ name: String, _ bytes: [UInt8]) {
    guard let file = fopen("\(path)/\(name)", "w") else { return }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }

  func read(_ name: String) -> [UInt8] {
    guard let file = fopen("\(path)/\(name)", "r") else { return [] }
    defer { fclose(file) }
    return readAll(file)
  }
}

func readAll(_ file: UnsafeMutablePointer<FILE>) -> [UInt8] {
  var result: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65536)
  while true {
    let count = fread(&chunk, 1, chunk.count, file)
    guard count > 0 else { return result }
    result.append(contentsOf: chunk[..<count])
  }
}

func shell(_ command: String) -> (status: Int32, output: String) {
  guard let pipe = popen(command + " 2>&1", "r") else { return (-1, "popen failed") }
  let output = readAll(pipe)
  return (pclose(pipe), String(decoding: output, as: UTF8.self))
}

enum Decoder {
  static let root = String(#filePath.dropLast("/Tests/OTLPTests/Support.swift".count))
  static let python = root + "/.build/venv/bin/python"

  /// The virtual environment holds opentelemetry-proto; without it these tests cannot say anything.
  static let isInstalled = access(python, X_OK) == 0

  static func run(
    _ arguments: String, script: String = "decode_otlp.py"
  ) -> (status: Int32, output: String) {
    shell("'\(python)' '\(root)/Tests/OTLPTests/\(script)' \(arguments)")
  }
}

extension MetricBatchBuilder {
  /// A snapshot that comes in one part.
  mutating func encode(
    _ snapshot: MetricSnapshot, resource: (UInt32) -> EncodedResource?, emit: (SealedBatch) -> Void
  ) -> Outcome {
    append(snapshot, resource: resource, emit: emit)
    return finish(emit)
  }
}
