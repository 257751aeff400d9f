// SPDX-License-Identifier: Apache-2.0
// One page of a running agent, over loopback: a client library would be a lot for that.

internal import Glibc
internal import Platform
internal import Serve

struct AgentPage {
  private static let bytesMax = 8 << 20
  private static let timeoutSeconds = 3

  let status: Int
  let body: Substring

  /// nil when nothing answers at `address`, or not in HTTP, or not in time.
  init?(fetch path: String, from address: String) {
    guard let answer = AgentPage.get(path, address),
      let headEnd = answer.firstRange(of: "\r\n\r\n"),
      // "HTTP/1.0 200 OK"
      let status = Int(answer.split(separator: " ", maxSplits: 2).dropFirst().first ?? "")
    else { return nil }
    self.status = status
    body = answer[headEnd.upperBound...]
  }

  private static func get(_ path: String, _ address: String) -> String? {
    guard let parsed = try? ListenAddress(address), let raw = try? parsed.connect() else {
      return nil
    }
    let socket = Descriptor(owning: raw)
    var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    // Without it a silent peer would be waited for; a failure changes nothing else.
    _ = unsafe setsockopt(socket.raw, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
    let request = Array("GET \(path) HTTP/1.0\r\nHost: \(address)\r\n\r\n".utf8)
    var answer: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    do throws(SystemError) {
      try unsafe request.withUnsafeBufferPointer { bytes throws(SystemError) in
        try unsafe socket.writeAll(UnsafeRawBufferPointer(bytes))
      }
      while answer.count < bytesMax {
        let count = try unsafe chunk.withUnsafeMutableBufferPointer { room throws(SystemError) in
          try unsafe socket.read(into: UnsafeMutableRawBufferPointer(room))
        }
        if count == 0 { return String(decoding: answer, as: UTF8.self) }
        answer += chunk[..<count]
      }
    } catch {
      return nil
    }
    return nil
  }
}
