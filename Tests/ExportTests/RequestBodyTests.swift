// SPDX-License-Identifier: Apache-2.0
// Bodies in each form, and what becomes of batches that are too large for one.

import OTLP
import Testing

@testable import Config
@testable import Export
@testable import Transport

extension BodyForm {
  static let plain = BodyForm()

  init(
    isJSON: Bool = false, isGzipped: Bool = false, requestByteMax: Int = 64 << 20,
    memoryByteMax: Int = 16 << 20
  ) {
    let export = try? settings("export: { endpoint: 'http://c' }").export
    guard let export, let destination = export.logs.destination else {
      preconditionFailure("the configuration is right")
    }
    self.init(destination, export)
    self.isJSON = isJSON
    self.isGzipped = isGzipped
    self.requestByteMax = requestByteMax
    self.memoryByteMax = memoryByteMax
  }
}

@Suite("bodies of requests") struct RequestBodyTests {
  private func bytes(_ body: any BodySource) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: body.byteCount + 1)
    let count = bytes.withUnsafeMutableBytes { body.read(into: $0) }
    return Array(bytes[..<count])
  }

  private func body(_ form: BodyForm, of batch: SealedBatch) throws -> [UInt8] {
    bytes(try BodyEncoder().body(of: batch, form))
  }

  @Test("JSON is one object without a line's end")
  func json() throws {
    let text = String(decoding: try body(BodyForm(isJSON: true), of: batch(3)), as: UTF8.self)
    #expect(text.hasPrefix("{\"resourceLogs\":[") && text.hasSuffix("}"))
    #expect(text.split(separator: "eventName").count == 4)
  }

  @Test("compressed ones begin anew each time, and are smaller")
  func gzip() throws {
    let encoder = BodyEncoder()
    let batch = batch(1000)
    for form in [BodyForm(isGzipped: true), BodyForm(isJSON: true, isGzipped: true)] {
      let first = bytes(try encoder.body(of: batch, form))
      #expect(first.starts(with: [0x1f, 0x8b]) && first.count < batch.byteCount / 5)
      #expect(bytes(try encoder.body(of: batch, form)) == first)
    }
  }

  @Test("larger ones than a request may be are refused, by their size before compression")
  func tooLarge() throws {
    let batch = batch(1000)
    for form in [
      BodyForm(requestByteMax: batch.byteCount - 1),
      BodyForm(isGzipped: true, requestByteMax: batch.byteCount - 1),
      BodyForm(isJSON: true, isGzipped: true, requestByteMax: batch.byteCount + 1),
      BodyForm(isJSON: true, memoryByteMax: batch.byteCount + 1),
      BodyForm(isGzipped: true, memoryByteMax: 100),
    ] {
      var isTooLarge = false
      do throws(BodyError) { _ = try BodyEncoder().body(of: batch, form) } catch {
        if case .tooLarge = error { isTooLarge = true }
      }
      #expect(isTooLarge)
    }
    #expect(try body(BodyForm(requestByteMax: batch.byteCount), of: batch).count == batch.byteCount)
  }

  @Test("memory is counted for what is kept")
  func memory() throws {
    func bytes(_ yaml: String) throws -> Int {
      let text = "export: { endpoint: 'http://c', \(yaml) }"
      return BodyForm.memoryBytes(
        try settings(text).export)
    }
    #expect(try bytes("queue: 4MiB") == 0)
    #expect(try bytes("compression: gzip") == 2 * ((4 << 20) + 131_072) + 276_480)
    #expect(try bytes("protocol: http/json") == 2 * (16 << 20) + (4 << 20))
    #expect(
      try bytes("protocol: http/json, compression: gzip")
        == 2 * ((4 << 20) + 131_072) + 276_480 + (4 << 20) + (16 << 20))
  }
}
