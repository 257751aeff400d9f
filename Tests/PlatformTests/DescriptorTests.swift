// SPDX-License-Identifier: Apache-2.0
// Pipes and files of the test's own.

import Glibc
import Platform
import Synchronization
import Testing

private func makePipe() throws -> (read: CInt, write: CInt) {
  var ends: [CInt] = [-1, -1]
  try #require(pipe(&ends) == 0)
  return (ends[0], ends[1])
}

/// What a descriptor refers to: another test may be given the same number at once.
private func inode(_ descriptor: CInt) -> UInt64? {
  var status = stat()
  return fstat(descriptor, &status) == 0 ? UInt64(status.st_ino) : nil
}

@Suite("descriptors")
struct DescriptorTests {
  @Test("a million bytes go through a pipe of one page in order")
  func writeAll() throws {
    let ends = try makePipe()
    let pipe = inode(ends.read)
    // F_SETPIPE_SZ, which Swift's Glibc module hides.
    #expect(fcntl(ends.write, 1031, 4096) == 4096)
    let sent = (0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ ($0 >> 8)) }
    let received = Mutex<[UInt8]>([])
    do {
      // Made here and joined before the end of this scope.
      let thread = try Thread("test-reader") {
        let end = Descriptor(owning: ends.read)
        var chunk = [UInt8](repeating: 0, count: 5000)
        while let count = try? chunk.withUnsafeMutableBytes({ try end.read(into: $0) }), count > 0 {
          received.withLock { $0 += chunk[..<count] }
        }
      }
      do {
        let end = Descriptor(owning: ends.write)
        try sent.withUnsafeBytes { try end.writeAll($0) }
      }
      thread.join()
    }
    #expect(received.withLock { $0 } == sent)
    #expect(inode(ends.read) != pipe && inode(ends.write) != pipe)
  }

  @Test("a descriptor closes when it goes, and not when it was given away")
  func closing() throws {
    let ends = try makePipe()
    let pipe = inode(ends.read)
    do { _ = Descriptor(owning: ends.read) }
    #expect(inode(ends.read) != pipe)
    let kept = Descriptor(owning: ends.write).release()
    #expect(kept == ends.write && inode(kept) == pipe)
    close(kept)
  }

  @Test("a write to a pipe without a reader is EPIPE and not the end of the process")
  func brokenPipe() throws {
    _ = Signals(blocking: [])
    let ends = try makePipe()
    close(ends.read)
    let end = Descriptor(owning: ends.write)
    #expect(throws: SystemError("write", code: EPIPE)) {
      try [UInt8(1)].withUnsafeBytes { try end.writeAll($0) }
    }
  }

  @Test("a file that is not there is ENOENT, by the name of the call")
  func missing() {
    #expect(throws: SystemError("open", code: ENOENT)) { try readFile("/nonexistent/file") }
    #expect(readText("/nonexistent/file") == nil)
  }

  @Test(
    "a file is read up to its limit, and one byte more is EFBIG",
    arguments: [0, 1, 4096, 65_535, 65_536, 65_537, 200_000])
  func limit(size: Int) throws {
    var name = Array("/tmp/apus-limit-XXXXXX".utf8CString)
    let file = Descriptor(owning: mkstemp(&name))
    let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { unlink(path) }
    let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 % 251) }
    try content.withUnsafeBytes { try file.writeAll($0) }
    #expect(try readFile(path, limit: size) == content)
    #expect(try readFile(path, limit: size + 1) == content)
    if size > 0 {
      #expect(throws: SystemError("read", code: EFBIG)) { try readFile(path, limit: size - 1) }
    }
  }

  @Test("a file of the kernel has its text without the trailing line end")
  func text() {
    #expect(readText("/proc/sys/kernel/ostype") == "Linux")
  }
}
