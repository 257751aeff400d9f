// SPDX-License-Identifier: Apache-2.0
// OTLP JSON from the sealed protobuf by way of the schema, so that there is one encoder only.
// Owned by the thread that writes files; its buffers are kept between batches.

public struct JSONTranscoder: ~Copyable {
  private static let depthMax = 64

  private var input: [UInt8] = []
  /// The known fields of all messages that are being written, innermost last.
  private var found: [Found] = []

  /// What `output` may grow to; a batch whose text is longer is refused, one message too late.
  public var outputByteMax = Int.max

  private struct Found {
    /// Index into the message's fields.
    var field: Int
    var value: WireField
  }

  public init() {}

  /// Appends the batch as one LogsData, MetricsData or TracesData and a newline.
  ///
  /// After an error `output` is as it was.
  public mutating func appendLine(
    of batch: SealedBatch, to output: inout [UInt8]
  ) throws(WireError) {
    input.removeAll(keepingCapacity: true)
    input.reserveCapacity(batch.byteCount)
    for index in 0..<batch.sliceCount {
      unsafe batch.withSlice(index) { slice in unsafe input.append(contentsOf: slice) }
    }
    // The buffer is taken out, so that reading it does not overlap with using `self`.
    let bytes = input
    input = []
    defer { input = bytes }
    try appendLine(of: bytes.span, batch.signal, to: &output)
  }

  /// Appends the body of an export request of any origin as one line.
  public mutating func appendLine(
    of body: Span<UInt8>, _ signal: Signal, to output: inout [UInt8]
  ) throws(WireError) {
    let before = output.count
    found.removeAll(keepingCapacity: true)
    do throws(WireError) {
      try append(MessageID(signal), body, 0..<body.count, depth: 0, to: &output)
    } catch {
      output.removeSubrange(before...)
      throw error
    }
    output.append(UInt8(ascii: "\n"))
  }

  private mutating func append(
    _ message: MessageID, _ body: Span<UInt8>, _ range: Range<Int>, depth: Int,
    to output: inout [UInt8]
  ) throws(WireError) {
    guard depth < JSONTranscoder.depthMax else { throw .depth(offset: range.lowerBound) }
    let fields = message.fields
    let base = found.count
    defer { found.removeSubrange(base...) }
    // JSON wants repeated fields together; the wire may have them anywhere, so they are sought.
    let present = try collect(fields, body, range)
    let end = found.count
    var isFirst = true
    output.append(UInt8(ascii: "{"))
    for index in fields.indices where present & (1 << UInt32(index)) != 0 {
      if !isFirst { output.append(UInt8(ascii: ",")) }
      isFirst = false
      output.append(contentsOf: fields[index].jsonKey)
      if fields[index].isRepeated {
        try appendArray(index, fields[index], body, base..<end, depth, to: &output)
      } else {
        // Of a field that is there twice, the last counts.
        var last = end - 1
        while found[last].field != index { last -= 1 }
        try append(found[last].value, fields[index], body, depth, to: &output)
      }
    }
    output.append(UInt8(ascii: "}"))
    guard output.count <= outputByteMax else { throw .tooLong(byteMax: outputByteMax) }
  }

  /// Notes the known fields of a message; bit i stands for the field at index i.
  private mutating func collect(
    _ fields: [SchemaField], _ body: Span<UInt8>, _ range: Range<Int>
  ) throws(WireError) -> UInt32 {
    var reader = WireReader(body, range)
    var present: UInt32 = 0
    while let value = try reader.next() {
      guard let index = fields.firstIndex(where: { $0.number == value.number }) else { continue }
      let field = fields[index]
      let isPacked = field.isRepeated && value.type == .bytes
      guard value.type == field.type.wireType || isPacked else {
        throw .wireType(offset: reader.offset, field: value.number)
      }
      present |= 1 << UInt32(index)
      found.append(Found(field: index, value: value))
    }
    return present
  }

  private mutating func appendArray(
    _ index: Int, _ field: SchemaField, _ body: Span<UInt8>, _ places: Range<Int>, _ depth: Int,
    to output: inout [UInt8]
  ) throws(WireError) {
    output.append(UInt8(ascii: "["))
    var isFirst = true
    for place in places where found[place].field == index {
      let value = found[place].value
      if value.type == field.type.wireType {
        if !isFirst { output.append(UInt8(ascii: ",")) }
        isFirst = false
        try append(value, field, body, depth, to: &output)
      } else {
        try appendPacked(value.bytes, field.type, body, &isFirst, to: &output)
      }
    }
    output.append(UInt8(ascii: "]"))
  }

  private func appendPacked(
    _ range: Range<Int>, _ type: FieldType, _ body: Span<UInt8>, _ isFirst: inout Bool,
    to output: inout [UInt8]
  ) throws(WireError) {
    var reader = WireReader(body, range)
    while reader.offset < reader.end {
      let scalar =
        switch type.wireType {
        case .fixed64: try reader.fixed(8)
        case .fixed32: try reader.fixed(4)
        case .varint, .bytes: try reader.varint()
        }
      if !isFirst { output.append(UInt8(ascii: ",")) }
      isFirst = false
      output.append(scalar: scalar, type)
    }
  }

  private mutating func append(
    _ value: WireField, _ field: SchemaField, _ body: Span<UInt8>, _ depth: Int,
    to output: inout [UInt8]
  ) throws(WireError) {
    switch field.type {
    case .message(let message):
      try append(message, body, value.bytes, depth: depth + 1, to: &output)
    case .string: try output.append(jsonString: body, value.bytes)
    case .bytes: output.append(base64: body, value.bytes)
    case .id: output.append(hexadecimal: body, value.bytes)
    default: output.append(scalar: value.scalar, field.type)
    }
  }
}
