// SPDX-License-Identifier: Apache-2.0
// One page of a running agent, over loopback: a client library would be a lot for that.

internal import Glibc
internal import Platform
internal import Serve

struct AgentPage {
  /// Of what is kept; a page of metrics may be a hundred times as large.
  private static let bytesMax = 1 << 20
  private static let headBytesMax = 16 << 10
  private static let timeoutSeconds = 3

  let status: Int
  let lines: [Substring]

  /// The lines of a page that begin with `prefix`.
  ///
  /// nil when nothing answers at `address`, or not in HTTP, not in time or not to the end.
  init?(fetch path: String, from address: String, keeping prefix: String = "") {
    guard let parsed = try? ListenAddress(address), let raw = try? parsed.connect() else {
      return nil
    }
    let socket = Descriptor(owning: raw)
    var limit = timeval(tv_sec: AgentPage.timeoutSeconds, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    // Without it a silent peer would be waited for; a failure changes nothing else.
    _ = unsafe setsockopt(socket.raw, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
    let request = Array("GET \(path) HTTP/1.0\r\nHost: \(address)\r\n\r\n".utf8)
    var reading = Reading(prefix: Array(prefix.utf8))
    do throws(SystemError) {
      try unsafe request.withUnsafeBufferPointer { bytes throws(SystemError) in
        try unsafe socket.writeAll(UnsafeRawBufferPointer(bytes))
      }
      var chunk = [UInt8](repeating: 0, count: 65_536)
      while true {
        let count = try unsafe chunk.withUnsafeMutableBufferPointer { room throws(SystemError) in
          try unsafe socket.read(into: UnsafeMutableRawBufferPointer(room))
        }
        if count == 0 { break }
        guard reading.take(chunk[..<count]) else { return nil }
      }
    } catch {
      return nil
    }
    guard let status = reading.status, reading.isWhole else { return nil }
    self.status = status
    lines = String(decoding: reading.kept, as: UTF8.self).split(separator: "\n")
  }

  /// What has come of an answer.
  private struct Reading {
    let prefix: [UInt8]
    var status: Int?
    var kept: [UInt8] = []
    private var head: [UInt8] = []
    private var line: [UInt8] = []
    private var bodyCount = 0
    private var declaredCount: Int?

    init(prefix: [UInt8]) { self.prefix = prefix }

    /// A body that was cut off would be taken for one with less in it.
    var isWhole: Bool { declaredCount.map { $0 == bodyCount } ?? true }

    /// False when it is more than is kept, or no HTTP.
    mutating func take(_ bytes: ArraySlice<UInt8>) -> Bool {
      for byte in bytes {
        if status == nil {
          head.append(byte)
          guard head.count <= AgentPage.headBytesMax else { return false }
          guard head.suffix(4).elementsEqual("\r\n\r\n".utf8) else { continue }
          guard readHead() else { return false }
        } else {
          bodyCount += 1
          line.append(byte)
          if byte == UInt8(ascii: "\n") { endLine() }
        }
      }
      return kept.count <= AgentPage.bytesMax && line.count <= AgentPage.bytesMax
    }

    private mutating func endLine() {
      if line.starts(with: prefix) { kept += line }
      line.removeAll(keepingCapacity: true)
    }

    private mutating func readHead() -> Bool {
      let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
      // "HTTP/1.0 200 OK"
      let words = lines.first?.split(separator: " ", maxSplits: 2) ?? []
      guard words.count >= 2, let status = Int(words[1]) else { return false }
      self.status = status
      for line in lines where line.lowercased().hasPrefix("content-length:") {
        declaredCount = Int(line.dropFirst("content-length:".count).drop { $0 == " " })
      }
      return true
    }
  }
}
