// SPDX-License-Identifier: Apache-2.0
// What goes over the wire, and on how many connections.

import Glibc
import Testing

@testable import Transport

@Suite("requests and connections") struct ConnectionTests {
  @Test("the request is as the specification wants it") func headers() throws {
    let server = try PythonServer("http_faults.py")
    let client = try OTLPClient(
      url: "http://127.0.0.1:\(server.port)/inspect",
      settings: settings(.httpProtobuf, headers: [("X-Key", "a b"), ("X-Empty", "")]))
    let body = [UInt8](repeating: 7, count: 2_000_000)
    let completion = try Transfers().complete(client.request(body: SlicedBody(body, by: 977)))
    let lines = String(decoding: completion.response.body, as: UTF8.self).split(separator: "\n")
    #expect(lines.contains("content-type: application/x-protobuf"))
    #expect(lines.contains("content-length: 2000000"))
    #expect(lines.contains("user-agent: apus/0.1.0 OTel-OTLP-Exporter-Swift/0.1.0"))
    #expect(lines.contains("x-key: a b"))
    #expect(lines.contains("x-empty: "))
    #expect(!lines.contains { $0.hasPrefix("expect") })
    // sha256sum of two million bytes of 7.
    #expect(
      lines.contains(
        "sha256: 4665fb6ada77ebc5c9a8d3e66c5318688b34ff686d544d92f220b1d6fc91e8a0"))
  }

  @Test("a connection is kept") func keepAlive() throws {
    let server = try PythonServer("http_faults.py")
    let client = try OTLPClient(
      url: "http://127.0.0.1:\(server.port)/v1/logs", settings: settings(.httpProtobuf))
    let transfers = try Transfers()
    let opened = try (0..<23).map { _ in
      try transfers.complete(client.request(body: ArrayBody([1]))).response.connectionsOpened
    }
    #expect(opened == [1] + [Int](repeating: 0, count: 22))
  }

  @Test("a kept connection that the server closed is opened again") func closed() throws {
    let server = try PythonServer("http_faults.py")
    let client = try OTLPClient(
      url: "http://127.0.0.1:\(server.port)/close", settings: settings(.httpProtobuf))
    let transfers = try Transfers()
    for _ in 0..<5 {
      #expect(
        try transfers.send([UInt8](repeating: 1, count: 100_000), with: client)
          == .delivered(rejected: 0, message: ""))
    }
  }

  @Test("sixteen exchanges run at once and a seventeenth is refused") func concurrent() throws {
    let server = try PythonServer("http_faults.py")
    let client = try OTLPClient(
      url: "http://127.0.0.1:\(server.port)/slow/0.3", settings: settings(.httpProtobuf))
    let transfers = try Transfers()
    for token in 0..<UInt64(Limits.transfers) {
      try transfers.start(client.request(body: ArrayBody([1])), token: token)
    }
    #expect(throws: TransportError.busy) {
      try transfers.start(client.request(body: ArrayBody([1])), token: 99)
    }
    let began = milliseconds()
    var tokens: Set<UInt64> = []
    while tokens.count < Limits.transfers, milliseconds() - began < 10_000 {
      try transfers.wait(milliseconds: 100) { tokens.insert($0.token) }
    }
    #expect(tokens == Set(0..<UInt64(Limits.transfers)))
    // One after the other they would take 4.8 seconds.
    #expect(milliseconds() - began < 2_400)
  }

  @Test("a cancelled exchange ends without a completion") func cancel() throws {
    let server = try PythonServer("http_faults.py")
    let client = try OTLPClient(
      url: "http://127.0.0.1:\(server.port)/slow/5", settings: settings(.httpProtobuf))
    let transfers = try Transfers()
    try transfers.start(client.request(body: ArrayBody([1])), token: 7)
    try transfers.wait(milliseconds: 50) { _ in Issue.record("too early") }
    #expect(transfers.cancel(token: 7))
    #expect(!transfers.cancel(token: 7))
    #expect(transfers.activeCount == 0)
    try transfers.wait(milliseconds: 50) { _ in Issue.record("completed after all") }
  }

  @Test("a wait ends on time, and at once when it is woken") func wake() throws {
    let transfers = try Transfers()
    var began = milliseconds()
    try transfers.wait(milliseconds: 200) { _ in }
    #expect((190...1_000).contains(milliseconds() - began))
    began = milliseconds()
    let waker = transfers.waker
    let thread = Thread {
      usleep(100_000)
      waker.wake()
    }
    try transfers.wait(milliseconds: 5_000) { _ in }
    #expect(milliseconds() - began < 2_000)
    thread.join()
  }

  @Test("a waker outlives its transfers") func lateWaker() throws {
    var transfers: Transfers? = try Transfers()
    let waker = transfers?.waker
    transfers = nil
    waker?.wake()
  }

  @Test("a body that ends early is a failure of the body") func shortBody() throws {
    let server = try PythonServer("http_faults.py")
    let client = try OTLPClient(
      url: "http://127.0.0.1:\(server.port)/v1/logs", settings: settings(.httpProtobuf))
    let completion = try Transfers().complete(client.request(body: ShortBody()))
    #expect(completion.failure?.kind == .body)
  }

  @Test(
    "a header that would start another, or has any control character, is refused",
    arguments: ["a\r\nX-Other: b", "a\nX-Other: b", "a\u{0}", "a\u{7F}"])
  func badHeader(value: String) throws {
    #expect(throws: TransportError.header(name: "X-Key")) {
      try OTLPClient(
        url: "http://127.0.0.1/", settings: settings(.httpProtobuf, headers: [("X-Key", value)]))
    }
  }
}

/// Hands out at most `size` bytes at a time.
private final class SlicedBody: BodySource {
  private let bytes: [UInt8]
  private let size: Int
  private var offset = 0

  init(_ bytes: [UInt8], by size: Int) {
    self.bytes = bytes
    self.size = size
  }

  var byteCount: Int { bytes.count }

  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(size, buffer.count, bytes.count - offset)
    buffer.copyBytes(from: bytes[offset..<(offset + count)])
    offset += count
    return count
  }

  func rewind() { offset = 0 }
}

/// Promises ten bytes and has none.
private final class ShortBody: BodySource {
  var byteCount: Int { 10 }
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int { 0 }
  func rewind() {}
}

/// A thread with a closure, joined by hand.
private final class Thread {
  private var raw: pthread_t = 0

  init(_ body: @escaping @Sendable () -> Void) {
    let context = Unmanaged.passRetained(Box(body)).toOpaque()
    pthread_create(
      &raw, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body()
        return nil
      }, context)
  }

  func join() { pthread_join(raw, nil) }

  private final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}
