// SPDX-License-Identifier: Apache-2.0
// OTLP/gRPC against Google's server with the official generated service.

import Testing

@testable import Transport

@Suite(
  "OTLP over gRPC",
  .enabled(
    if: PythonServer.hasVirtualPython,
    """
    no grpcio: python3 -m venv .build/venv && .build/venv/bin/pip install -r \
    Tests/TransportTests/Servers/requirements.txt
    """))
struct GRPCTests {
  private func outcome(
    _ fault: String, body: [UInt8] = logsRequest(23), timeoutMilliseconds: Int = 5_000
  ) throws -> ExportOutcome {
    let server = try PythonServer("grpc_faults.py", python: PythonServer.virtualPython)
    let client = try OTLPClient(
      url: EndpointURL.grpc("http://127.0.0.1:\(server.port)", signal: .logs),
      settings: settings(
        .grpc, timeoutMilliseconds: timeoutMilliseconds, headers: [("x-fault", fault)]))
    return try Transfers().send(body, with: client)
  }

  private func failure(_ status: Int) -> ExportFailure {
    ExportFailure(reason: .grpc(status: status), message: "fault: 100% status \(status) – ü")
  }

  @Test("OK is success") func success() throws {
    #expect(try outcome("ok") == .delivered(rejected: 0, message: ""))
  }

  @Test("a body larger than the window of HTTP/2 arrives whole") func large() throws {
    #expect(
      try outcome("count", body: logsRequest(1_000_003))
        == .delivered(rejected: 0, message: "1000003 records"))
  }

  @Test("metadata and deadline are as gRPC wants them") func metadata() throws {
    // The server sees a deadline between 20 and 30 s. It takes no call without "te: trailers".
    #expect(
      try outcome("metadata", timeoutMilliseconds: 30_000)
        == .delivered(rejected: 0, message: "apus/0.1.0 OTel-OTLP-Exporter-Swift/0.1.0 True"))
  }

  @Test("partial success is delivery with rejected records") func partial() throws {
    #expect(try outcome("partial") == .delivered(rejected: 3, message: "3 are too old"))
  }

  @Test(
    "transient statuses are retried",
    arguments: [
      (1, "CANCELLED"), (4, "DEADLINE_EXCEEDED"), (10, "ABORTED"), (11, "OUT_OF_RANGE"),
      (14, "UNAVAILABLE"), (15, "DATA_LOSS"),
    ])
  func retried(status: Int, name: String) throws {
    #expect(try outcome(name) == .retry(afterNanoseconds: nil, failure(status)))
  }

  @Test(
    "lasting statuses are refused",
    arguments: [
      (2, "UNKNOWN"), (3, "INVALID_ARGUMENT"), (7, "PERMISSION_DENIED"), (8, "RESOURCE_EXHAUSTED"),
      (12, "UNIMPLEMENTED"), (13, "INTERNAL"), (16, "UNAUTHENTICATED"),
    ])
  func refused(status: Int, name: String) throws {
    #expect(try outcome(name) == .refused(failure(status)))
  }

  @Test("RetryInfo says how long to wait, and makes RESOURCE_EXHAUSTED retryable")
  func retryInfo() throws {
    #expect(
      try outcome("RESOURCE_EXHAUSTED/1.5")
        == .retry(afterNanoseconds: 1_500_000_000, failure(8)))
    #expect(
      try outcome("UNAVAILABLE/30")
        == .retry(afterNanoseconds: 30_000_000_000, failure(14)))
    #expect(try outcome("INTERNAL/1") == .refused(failure(13)))
  }

  @Test("a slow server is retried after the deadline") func slow() throws {
    let began = milliseconds()
    let result = try outcome("slow", timeoutMilliseconds: 300)
    guard case .retry(nil, let failure) = result else { return #expect(Bool(false), "\(result)") }
    // Server and client watch the same deadline; either may be first.
    #expect([.transport(.timeout), .grpc(status: 4), .grpc(status: 1)].contains(failure.reason))
    #expect(milliseconds() - began < 8_000)
  }

  @Test("a response over the limit is refused") func huge() throws {
    let result = try outcome("huge")
    guard case .refused(let failure) = result else { return #expect(Bool(false), "\(result)") }
    #expect(failure.reason == .transport(.tooLarge))
  }

  @Test("a service that is not there is UNIMPLEMENTED") func unimplemented() throws {
    let server = try PythonServer("grpc_faults.py", python: PythonServer.virtualPython)
    let client = try OTLPClient(
      url: EndpointURL.grpc("http://127.0.0.1:\(server.port)", signal: .traces),
      settings: settings(.grpc))
    let result = try Transfers().send([], with: client)
    guard case .refused(let failure) = result else { return #expect(Bool(false), "\(result)") }
    #expect(failure.reason == .grpc(status: 12))
  }

  @Test("a server that goes away between calls is retried, and found when it is back")
  func restart() throws {
    let transfers = try Transfers()
    var server: PythonServer? = try PythonServer(
      "grpc_faults.py", python: PythonServer.virtualPython)
    let port = try #require(server?.port)
    let client = try OTLPClient(
      url: EndpointURL.grpc("http://127.0.0.1:\(port)", signal: .logs),
      settings: settings(.grpc))
    #expect(
      try transfers.send(logsRequest(1), with: client) == .delivered(rejected: 0, message: ""))
    server = nil
    let result = try transfers.send(logsRequest(1), with: client)
    guard case .retry(nil, _) = result else { return #expect(Bool(false), "\(result)") }
    server = try PythonServer("grpc_faults.py", python: PythonServer.virtualPython, at: port)
    #expect(server?.port == port)
    #expect(
      try transfers.send(logsRequest(1), with: client) == .delivered(rejected: 0, message: ""))
  }

  @Test("a connection that ends while a call is answered loses neither the answer nor the batch")
  func goaway() throws {
    let server = try PythonServer("grpc_goaway.py", python: PythonServer.virtualPython)
    func outcome(_ fault: String) throws -> ExportOutcome {
      let client = try OTLPClient(
        url: EndpointURL.grpc("http://127.0.0.1:\(server.port)", signal: .logs),
        settings: settings(.grpc, headers: [("x-fault", fault)]))
      return try Transfers().send(logsRequest(1), with: client)
    }
    #expect(try outcome("late") == .delivered(rejected: 0, message: ""))
    let result = try outcome("late/UNAVAILABLE")
    guard case .retry(nil, let failure) = result else { return #expect(Bool(false), "\(result)") }
    #expect(failure.reason == .grpc(status: 14))
  }

  @Test("calls at once and one after the other all arrive") func several() throws {
    let server = try PythonServer("grpc_faults.py", python: PythonServer.virtualPython)
    let client = try OTLPClient(
      url: EndpointURL.grpc("http://127.0.0.1:\(server.port)", signal: .logs),
      settings: settings(.grpc))
    let transfers = try Transfers()
    for token in 0..<8 as Range<UInt64> {
      try transfers.start(client.request(body: ArrayBody(logsRequest(100))), token: token)
    }
    var opened = 0
    var outcomes: [ExportOutcome] = []
    let deadline = milliseconds() + 10_000
    while outcomes.count < 8, milliseconds() < deadline {
      try transfers.wait(milliseconds: 100) {
        opened += $0.response.connectionsOpened
        outcomes.append(client.outcome(of: $0, unixSeconds: 0))
      }
    }
    #expect(outcomes == [ExportOutcome](repeating: .delivered(rejected: 0, message: ""), count: 8))
    // A faulty libcurl must not share connections; any other must.
    #expect(opened == (hasReuseFault ? 8 : 1))
    for _ in 0..<5 {
      #expect(
        try transfers.send(logsRequest(1), with: client) == .delivered(rejected: 0, message: ""))
    }
  }
}

@Suite("gRPC without a gRPC server") struct GRPCFaultTests {
  private func outcome(
    status: Int, contentType: String? = nil, grpcStatus: String? = nil,
    failure: TransferFailure? = nil
  ) -> ExportOutcome {
    var response = Response()
    response.status = status
    response.contentType = contentType
    response.grpcStatus = grpcStatus
    return GRPC.outcome(of: Completion(token: 0, response: response, failure: failure))
  }

  @Test("HTTP/1.1 on the other side is a failure that is retried") func http1() throws {
    let server = try PythonServer("http_faults.py")
    let client = try OTLPClient(
      url: EndpointURL.grpc("http://127.0.0.1:\(server.port)", signal: .logs),
      settings: settings(.grpc))
    let result = try Transfers().send(logsRequest(1), with: client)
    guard case .retry(nil, _) = result else { return #expect(Bool(false), "\(result)") }
  }

  @Test("a missing status is made from that of HTTP")
  func synthesised() {
    let expected: [(Int, Int, Bool)] = [
      (400, 13, false), (401, 16, false), (403, 7, false), (404, 12, false), (429, 14, true),
      (502, 14, true), (503, 14, true), (504, 14, true), (500, 2, false), (200, 2, false),
    ]
    for (http, grpc, isRetried) in expected {
      let failure = ExportFailure(
        reason: .grpc(status: grpc), message: "no gRPC status; HTTP \(http)")
      let outcome = outcome(status: http)
      #expect(outcome == (isRetried ? .retry(afterNanoseconds: nil, failure) : .refused(failure)))
    }
  }

  @Test("a response without its trailers is a success only with a whole message")
  func withoutTrailers() {
    func outcome(_ body: [UInt8]) -> ExportOutcome {
      var response = Response()
      response.status = 200
      response.contentType = "application/grpc+proto"
      response.body = body
      return GRPC.outcome(of: Completion(token: 0, response: response, failure: nil))
    }
    #expect(outcome([0, 0, 0, 0, 0]) == .delivered(rejected: 0, message: ""))
    #expect(outcome([0, 0, 0, 0, 4, 0x0a, 2, 0x08, 4]) == .delivered(rejected: 4, message: ""))
    let failure = ExportFailure(
      reason: .grpc(status: 14), message: "the connection ended before the status came")
    for body in [[], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]] as [[UInt8]] {
      #expect(outcome(body) == .retry(afterNanoseconds: nil, failure))
    }
  }

  @Test(
    "a stream that was reset has the status of its error code",
    arguments: [
      (1, 13, "PROTOCOL_ERROR"), (2, 13, "INTERNAL_ERROR"), (8, 1, "CANCEL"),
      (11, 8, "ENHANCE_YOUR_CALM"),
    ] as [(UInt8, Int, String)])
  func resets(code: UInt8, status: Int, name: String) throws {
    let failure = ExportFailure(
      reason: .grpc(status: status),
      message: "HTTP/2 stream 1 was not closed cleanly: \(name) (err \(code))")
    #expect(
      try outcome(reset: code)
        == (status == 1 ? .retry(afterNanoseconds: nil, failure) : .refused(failure)))
  }

  /// libcurl sends it again by itself, on new connections, and then speaks of those.
  @Test("a stream that was refused, again and again, is retried") func refusedStream() throws {
    let result = try outcome(reset: 7)
    guard case .retry(nil, let failure) = result else { return #expect(Bool(false), "\(result)") }
    #expect(failure.reason == .transport(.reset), "\(failure)")
  }

  private func outcome(reset code: UInt8) throws -> ExportOutcome {
    let server = try PythonServer("h2_resets.py")
    let client = try OTLPClient(
      url: EndpointURL.grpc("http://127.0.0.1:\(server.port)", signal: .logs),
      settings: settings(.grpc))
    return try Transfers().send([code], with: client)
  }

  @Test("an answer that is too large is refused, whatever status came with it") func tooLarge() {
    let failure = TransferFailure(kind: .tooLarge, code: 23, message: "too large")
    #expect(
      outcome(status: 200, grpcStatus: "0", failure: failure)
        == .refused(ExportFailure(reason: .transport(.tooLarge), message: "too large")))
  }

  @Test("a message says whether it is compressed, and how long it is, each time it is sent")
  func framed() {
    for isCompressed in [false, true] {
      let body = FramedBody(ArrayBody([7, 8, 9]), isCompressed: isCompressed)
      for size in [1, 4, 100] {
        body.rewind()
        var read: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: size)
        while true {
          let count = piece.withUnsafeMutableBytes { body.read(into: $0) }
          if count == 0 { break }
          read += piece[..<count]
        }
        #expect(read == [isCompressed ? 1 : 0, 0, 0, 0, 3, 7, 8, 9] && body.byteCount == 8)
      }
    }
  }

  @Test("a status that came before a reset counts") func statusBeforeReset() {
    let failure = TransferFailure(kind: .protocol, code: 92, message: "reset")
    #expect(
      outcome(status: 200, grpcStatus: "0", failure: failure)
        == .delivered(rejected: 0, message: ""))
  }
}
