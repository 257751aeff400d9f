// SPDX-License-Identifier: Apache-2.0
// Sends one body and waits for what it came to.

import Glibc
import Testing

@testable import Transport

func settings(
  _ transport: OTLPProtocol, timeoutMilliseconds: Int = 5_000,
  headers: [(name: String, value: String)] = []
) -> OTLPSettings {
  OTLPSettings(
    transport: transport, headers: headers, timeoutMilliseconds: timeoutMilliseconds,
    version: "0.1.0")
}

/// `count` empty log records as one ExportLogsServiceRequest.
func logsRequest(_ count: Int) -> [UInt8] {
  let records = (0..<count).flatMap { _ in [0x12, 0x00] as [UInt8] }
  return field(1, field(2, records))
}

/// One length-delimited field.
func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
  var bytes = [number << 3 | 2]
  var length = content.count
  while length >= 0x80 {
    bytes.append(UInt8(length & 0x7F | 0x80))
    length >>= 7
  }
  bytes.append(UInt8(length))
  return bytes + content
}

extension Transfers {
  /// The completion of `request`, waited for at most fifteen seconds.
  func complete(_ request: Request) throws -> Completion {
    try start(request, token: 1)
    var result: Completion?
    let deadline = milliseconds() + 15_000
    while result == nil, milliseconds() < deadline {
      try wait(milliseconds: 100) { result = $0 }
    }
    return try #require(result)
  }

  func send(_ body: [UInt8], with client: OTLPClient) throws -> ExportOutcome {
    let completion = try complete(client.request(body: ArrayBody(body)))
    return client.outcome(of: completion, unixSeconds: 784_111_777)
  }
}

func milliseconds() -> Int {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}
