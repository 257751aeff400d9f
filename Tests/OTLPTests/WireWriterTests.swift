// SPDX-License-Identifier: Apache-2.0

import Fuzzing
import Testing

@testable import OTLP

/// Runs `body` over a buffer of `capacity` bytes and gives what was written and whether it fitted.
private func written(
  capacity: Int = 4096, _ body: (inout WireWriter) -> Void
) -> (bytes: [UInt8], overflowed: Bool) {
  let memory = UnsafeMutableRawBufferPointer.allocate(
    byteCount: capacity + WireWriter.slack, alignment: 16)
  defer { memory.deallocate() }
  // What lies behind the capacity must not be part of the output, whatever is there.
  memory.initializeMemory(as: UInt8.self, repeating: 0xaa)
  var writer = WireWriter(memory)
  body(&writer)
  return (Array(writer.written), writer.overflowed)
}

@Suite("wire writer")
struct WireWriterTests {
  @Test(
    "varints and their sizes",
    arguments: [
      (0, [0]), (1, [1]), (127, [127]), (128, [0x80, 1]), (300, [0xac, 2]),
      (1 << 14 - 1, [0xff, 0x7f]), (1 << 14, [0x80, 0x80, 1]),
      (UInt64.max, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
    ] as [(UInt64, [UInt8])])
  func varints(_ row: (UInt64, [UInt8])) {
    #expect(written { $0.varint(row.0) }.bytes == row.1)
    #expect(WireWriter.varintSize(row.0) == row.1.count)
  }

  @Test("the size of a varint is exact at every power of two")
  func varintSizes() {
    for bit in 0..<64 {
      for value in [UInt64(1) << UInt64(bit), UInt64(1) << UInt64(bit) &- 1] {
        #expect(written { $0.varint(value) }.bytes.count == WireWriter.varintSize(value))
      }
    }
  }

  @Test("zigzag, fixed and double")
  func scalars() {
    #expect(written { $0.zigzag(-1) }.bytes == [1])
    #expect(written { $0.zigzag(1) }.bytes == [2])
    #expect(written { $0.zigzag(.min) }.bytes.count == 10)
    #expect(written { $0.fixed32(0x0403_0201) }.bytes == [1, 2, 3, 4])
    #expect(written { $0.fixed64(1, field: 1) }.bytes == [9, 1, 0, 0, 0, 0, 0, 0, 0])
    #expect(written { $0.double(1, field: 4) }.bytes == [0x21, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f])
  }

  @Test("a nested message has a padded length")
  func nested() {
    let bytes = written { writer in
      let message = writer.open(field: 2)
      for _ in 0..<300 { writer.byte(7) }
      writer.close(message)
    }.bytes
    #expect(Array(bytes[..<4]) == [0x12, 0xac, 0x82, 0x00])
    #expect(bytes.count == 304)
  }

  @Test("every kind of attribute is golden")
  func attributes() {
    let key = AttributeKey("k", field: 6)
    let head: [UInt8] = [0x0a, 1, 0x6b, 0x12]
    #expect(written { $0.attribute(key, int: 0) }.bytes == [0x32, 7] + head + [2, 0x18, 0])
    #expect(written { $0.attribute(key, int: -1) }.bytes.count == 2 + 4 + 1 + 11)
    #expect(written { $0.attribute(key, bool: false) }.bytes == [0x32, 7] + head + [2, 0x10, 0])
    #expect(
      written { $0.attribute(key, double: 0) }.bytes
        == [0x32, 14] + head + [9, 0x21] + [UInt8](repeating: 0, count: 8))
    #expect(
      written { $0.attribute(key, lossy: Array("hé".utf8).span.bytes) }.bytes
        == [0x32, 10] + head + [5, 0x0a, 3, 0x68, 0xc3, 0xa9])
    #expect(
      written { $0.attribute(key, lossy: [UInt8]().span.bytes) }.bytes
        == [0x32, 7] + head + [2, 0x0a, 0])
    #expect(
      written { $0.attribute(key, nulSeparated: Array("a\0\0b".utf8).span.bytes) }.bytes
        == [0x32, 0x99, 0x80, 0] + head + [0x92, 0x80, 0, 0x2a, 0x8e, 0x80, 0]
        + [0x0a, 3, 0x0a, 1, 0x61, 0x0a, 2, 0x0a, 0, 0x0a, 3, 0x0a, 1, 0x62])
  }

  @Test("copies of every size up to 100 bytes are exact")
  func copies() {
    for size in 0..<100 {
      let source = (0..<size).map { UInt8($0 + 1) }
      #expect(written { $0.raw(source) }.bytes == source)
      let template = Template { $0.raw(source) }
      #expect(written { $0.raw(template) }.bytes == source)
    }
  }

  @Test("at every capacity a record is whole or the overflow is told")
  func everyCapacity() {
    let record = ExecRecord()
    func encode(_ writer: inout WireWriter) {
      let message = writer.open(field: 2)
      record.encode(
        into: &writer, time: 1, pid: 2, path: Array("/bin/é\u{1F426}".utf8) + [0xff],
        arguments: Array("one\0two\0".utf8))
      writer.close(message)
    }
    let whole = written(encode).bytes
    for capacity in 0...whole.count + 24 {
      let (bytes, overflowed) = written(capacity: capacity, encode)
      #expect(overflowed ? capacity < whole.count + 24 : bytes == whole)
      #expect(bytes.count <= capacity)
    }
  }

  @Test("a rollback makes room again")
  func rollback() {
    let (bytes, overflowed) = written(capacity: 12) { writer in
      writer.fixed64(1)
      let mark = writer.count
      writer.fixed64(2)
      // Small enough to fit, but ignored until the rollback.
      writer.byte(3)
      writer.rollback(to: mark)
      writer.byte(4)
    }
    #expect(bytes == [1, 0, 0, 0, 0, 0, 0, 0, 4])
    #expect(!overflowed)
  }

  @Test("a message over the padded length's limit overflows")
  func messageLimit() {
    for (size, fits) in [(1 << 21 - 1, true), (1 << 21, false)] {
      let overflowed = written(capacity: 3 << 20) { writer in
        let message = writer.open(field: 1)
        writer.raw([UInt8](repeating: 0, count: size))
        writer.close(message)
      }.overflowed
      #expect(overflowed == !fits)
    }
  }
}

@Suite("UTF-8 repair")
struct UTF8TextTests {
  private func repaired(_ bytes: [UInt8]) -> [UInt8] {
    let field = written { $0.string(lossy: bytes.span.bytes, field: 1) }.bytes
    // One or two bytes of length, as all inputs here are short.
    return Array(field.dropFirst(1 + WireWriter.varintSize(UInt64(field.count - 2))))
  }

  @Test("every pair of bytes is repaired as String does it")
  func pairs() {
    var wrong = 0
    for first in 0x70...0xff {
      for second in 0...0xff {
        let bytes = [UInt8(first), UInt8(second), 0x41]
        if repaired(bytes) != Array(String(decoding: bytes, as: UTF8.self).utf8) { wrong += 1 }
      }
    }
    #expect(wrong == 0)
  }

  @Test("random bytes of every length up to 40 are repaired as String does it")
  func random() {
    let interesting: [UInt8] = [
      0x41, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1,
      0xf4, 0xf5, 0xff,
    ]
    var wrong: [[UInt8]] = []
    Fuzzing.run("damaged text") { dice in
      for size in 0...40 {
        for _ in 0..<500 {
          let bytes = (0..<size).map { _ in interesting.randomElement(using: &dice) ?? 0 }
          if repaired(bytes) != Array(String(decoding: bytes, as: UTF8.self).utf8) {
            wrong.append(bytes)
          }
        }
      }
    }
    #expect(wrong.isEmpty)
  }

  @Test("the first NUL is found at every place")
  func nul() {
    for size in 0..<30 {
      for place in 0...size {
        // 0x80 and 0x01 are what a wrong bit trick takes for NUL.
        var bytes = (0..<size).map { $0 % 2 == 0 ? UInt8(0x80) : 1 }
        if place < size { bytes[place] = 0 }
        let found = bytes.withUnsafeBytes { UTF8Text.lengthBeforeNUL($0) }
        #expect(found == place)
      }
    }
  }
}
