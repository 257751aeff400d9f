// SPDX-License-Identifier: Apache-2.0
// From a sealed batch to the body of a request: as it is, or in JSON, or compressed, or both.

package import Config
package import OTLP
internal import Platform
internal import Transport

/// How one destination wants its bodies, and how large they may be.
package struct BodyForm: Sendable {
  package var isJSON: Bool
  package var isGzipped: Bool
  /// Of the body before compression: a larger one is never sent.
  package var requestByteMax: Int
  /// What of the body is kept in memory; a batch that is sent as it is takes none.
  package var memoryByteMax: Int

  package init(_ destination: Config.Destination, _ export: Settings.Export) {
    isJSON = destination.protocol == .httpJSON
    isGzipped = destination.compression == .gzip
    requestByteMax = export.maxRequestBytes
    // What deflate cannot make smaller it makes larger by less than this.
    memoryByteMax =
      isGzipped
      ? export.queueBytes + 131_072
      : isJSON ? min(BodyForm.textByteMax(export), export.maxRequestBytes) : 0
  }

  /// JSON is three to four times as long as protobuf.
  static func textByteMax(_ export: Settings.Export) -> Int {
    max(4 * export.queueBytes, 8 << 20)
  }

  /// What the bodies of all destinations and their encoder take at most.
  package static func memoryBytes(_ export: Settings.Export) -> Int {
    let forms = [export.logs.destination, export.metrics.destination].compactMap { destination in
      destination.map { BodyForm($0, export) }
    }
    var sum = forms.reduce(0) { $0 + $1.memoryByteMax }
    if forms.contains(where: \.isGzipped) { sum += 276_480 }
    // A copy of the batch in one piece; and the text, when it is compressed and not sent.
    if forms.contains(where: \.isJSON) { sum += export.queueBytes }
    if forms.contains(where: { $0.isJSON && $0.isGzipped }) { sum += textByteMax(export) }
    return sum
  }
}

/// Why a batch cannot become a body.
package enum BodyError: Error, CustomStringConvertible {
  case tooLarge(byteMax: Int)
  case wire(WireError)
  case outOfMemory

  package var description: String {
    switch self {
    case .tooLarge(let byteMax): "a request of this batch is larger than \(byteMax) bytes"
    case .wire(let error): "the batch is no OTLP: \(error)"
    case .outOfMemory: "out of memory for compression"
    }
  }
}

/// Shared by the lanes, and owned by the export thread.
final class BodyEncoder {
  /// The fastest: higher levels cost several times as much for a few per cent.
  private static let level: Int32 = 1
  private static let textKeptMax = 1 << 20

  private var gzip: Gzip?
  private var transcoder = JSONTranscoder()
  private var text: [UInt8] = []

  func body(of batch: SealedBatch, _ form: BodyForm) throws(BodyError) -> any BodySource {
    guard form.isJSON else {
      guard batch.byteCount <= form.requestByteMax else {
        throw .tooLarge(byteMax: form.requestByteMax)
      }
      return form.isGzipped ? ArrayBody(try compressed(batch, form)) : BatchBody(batch)
    }
    defer {
      // A rare large batch must not keep its memory for ever.
      if text.capacity > BodyEncoder.textKeptMax {
        text = []
      } else {
        text.removeAll(keepingCapacity: true)
      }
    }
    try transcode(batch, form)
    if form.isGzipped { return ArrayBody(try compressed(nil, form)) }
    let made = text
    text = []
    return ArrayBody(made)
  }

  /// Of a request that is encoded already.
  func body(ofRequest bytes: [UInt8], _ form: BodyForm) throws(BodyError) -> any BodySource {
    guard form.isGzipped else { return ArrayBody(bytes) }
    text = bytes
    defer { text = [] }
    return ArrayBody(try compressed(nil, form))
  }

  private func transcode(_ batch: SealedBatch, _ form: BodyForm) throws(BodyError) {
    transcoder.outputByteMax = form.isGzipped ? form.requestByteMax : form.memoryByteMax
    do throws(WireError) {
      try transcoder.appendLine(of: batch, to: &text)
    } catch {
      if case .tooLong(let byteMax) = error { throw .tooLarge(byteMax: byteMax) }
      throw .wire(error)
    }
    // A body is no line.
    text.removeLast()
  }

  /// The batch, or the text when there is none.
  private func compressed(_ batch: SealedBatch?, _ form: BodyForm) throws(BodyError) -> [UInt8] {
    if gzip == nil { gzip = Gzip(level: BodyEncoder.level) }
    guard gzip != nil else { throw .outOfMemory }
    var output: [UInt8] = []
    if let batch {
      for index in 0..<batch.sliceCount {
        unsafe batch.withSlice(index) { unsafe gzip?.append($0, to: &output) }
      }
    } else {
      unsafe text.withUnsafeBytes { unsafe gzip?.append($0, to: &output) }
    }
    gzip?.finish(to: &output)
    guard output.count <= form.memoryByteMax else { throw .tooLarge(byteMax: form.memoryByteMax) }
    return output
  }
}

/// A sealed batch as a request's body, read slice by slice.
private final class BatchBody: BodySource {
  private var cursor: SealedBatch.Cursor

  init(_ batch: SealedBatch) { cursor = SealedBatch.Cursor(batch) }

  var byteCount: Int { cursor.batch.byteCount }

  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    unsafe cursor.read(into: buffer)
  }

  func rewind() { cursor.seek(to: 0) }
}
