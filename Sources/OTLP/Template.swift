// SPDX-License-Identifier: Apache-2.0
// Bytes that are encoded once and copied into many records.

/// Encoded bytes that live as long as the process: made once per event kind or attribute key, never
/// per record, and never freed, so that copying one costs no reference counting.
// Sendable: the memory is written before init returns and never again.
@safe @frozen
public struct Template: @unchecked Sendable {
  /// Readable up to the next multiple of 16.
  @usableFromInline let bytes: UnsafeRawPointer
  public let count: Int

  /// Keeps what `encode` writes; trips when it writes more than `capacity` bytes.
  public init(capacity: Int = 1024, _ encode: (inout WireWriter) -> Void) {
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: capacity + WireWriter.slack, alignment: 16)
    defer { unsafe memory.deallocate() }
    var writer = unsafe WireWriter(memory)
    encode(&writer)
    precondition(!writer.overflowed, "the template is longer than its capacity")
    unsafe self.init(copying: writer.written)
  }

  @unsafe
  public init(copying source: UnsafeRawBufferPointer) {
    let size = max(16, (source.count + 15) & ~15)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
    if let start = source.baseAddress {
      unsafe memory.copyMemory(from: start, byteCount: source.count)
    }
    unsafe bytes = UnsafeRawPointer(memory)
    count = source.count
  }
}

/// An attribute's name as the start of a KeyValue, for the message that holds it.
@frozen
public struct AttributeKey: Sendable {
  /// The tag of the attributes in the message: one byte, so the field number is below 16.
  @usableFromInline let tag: UInt8
  /// KeyValue.key, then the tag of KeyValue.value.
  @usableFromInline let name: Template

  public init(_ name: String, field: UInt32) {
    precondition(field > 0 && field < 16, "the tag must be one byte")
    precondition(name.utf8.count <= 255, "attribute names are short")
    tag = UInt8(field << 3 | 2)
    self.name = Template { writer in
      writer.bytes(Array(name.utf8), field: 1)
      writer.tag(2, .bytes)
    }
  }
}

/// Field numbers of `attributes`.
public enum AttributesField {
  public static let resource: UInt32 = 1
  public static let log: UInt32 = 6
  public static let span: UInt32 = 9
  public static let numberPoint: UInt32 = 7
  public static let histogramPoint: UInt32 = 9
  public static let exponentialPoint: UInt32 = 1
}
