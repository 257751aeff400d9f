// SPDX-License-Identifier: Apache-2.0
// The HTTP server, asked over plain sockets.

import Glibc
import Platform
import Testing

@testable import Serve

@Suite("the HTTP server") struct HTTPServerTests {
  private func server(
    limits: HTTPLimits = HTTPLimits(), token: BearerToken? = nil
  ) throws -> HTTPServer {
    try HTTPServer(
      try ListenAddress("127.0.0.1:0"), limits: limits, token: token,
      routes: [
        HTTPRoute("/metrics") { request in
          HTTPResponse(
            contentType: "text/plain; version=0.0.4",
            body: HTTPBody(
              Array("\(request.accept ?? "-") \(request.acceptEncoding ?? "-")".utf8)))
        },
        HTTPRoute("/large") { _ in
          HTTPResponse(body: HTTPBody([UInt8](repeating: 7, count: 5_000_000)))
        },
        HTTPRoute("/readyz", isOpen: true) { _ in HTTPResponse(status: 503, text: "not yet\n") },
      ])
  }

  @Test("a route answers with its status, type and body") func get() throws {
    let server = try server()
    let answer = try ask(
      server.port, "GET /metrics HTTP/1.1\r\nAccept: text/plain\r\nAccept-Encoding: gzip\r\n")
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.contains("Content-Type: text/plain; version=0.0.4\r\n"))
    #expect(answer.hasSuffix("\r\n\r\ntext/plain gzip"))
    #expect(try ask(server.port, "GET /readyz HTTP/1.1\r\n").hasPrefix("HTTP/1.1 503 "))
  }

  @Test("HEAD has the length and no body") func head() throws {
    let server = try server()
    let answer = try ask(server.port, "HEAD /metrics HTTP/1.1\r\n")
    #expect(answer.contains("Content-Length: 3\r\n"))
    #expect(answer.hasSuffix("\r\n\r\n"))
  }

  @Test("an unknown path is told which there are") func missing() throws {
    let server = try server()
    let answer = try ask(server.port, "GET /nothing?a=b HTTP/1.1\r\n")
    #expect(answer.hasPrefix("HTTP/1.1 404 "))
    #expect(answer.hasSuffix("not found; there are:\n/metrics\n/large\n/readyz\n"))
  }

  @Test("other methods are refused", arguments: ["POST", "PUT", "DELETE", "OPTIONS"])
  func method(name: String) throws {
    let server = try server()
    let answer = try ask(server.port, "\(name) /metrics HTTP/1.1\r\nContent-Length: 0\r\n")
    #expect(answer.hasPrefix("HTTP/1.1 405 "))
    #expect(answer.contains("Allow: GET, HEAD\r\n"))
  }

  @Test("a request with a body is refused before it is read") func body() throws {
    let server = try server()
    let answer = try ask(server.port, "GET /metrics HTTP/1.1\r\nContent-Length: 99999999\r\n")
    #expect(answer.hasPrefix("HTTP/1.1 413 "))
  }

  @Test("a header over the limit is refused and the server lives on") func longHeader() throws {
    let server = try server()
    let long = String(repeating: "x", count: 40_000)
    let answer = try ask(server.port, "GET /metrics HTTP/1.1\r\nX-Long: \(long)\r\n")
    #expect(answer.hasPrefix("HTTP/1.1 4"))
    #expect(try ask(server.port, "GET /metrics HTTP/1.1\r\n").hasPrefix("HTTP/1.1 200 "))
  }

  @Test("a large body arrives whole") func large() throws {
    let server = try server()
    let answer = try ask(server.port, "GET /large HTTP/1.1\r\n")
    #expect(answer.hasSuffix(String(repeating: "\u{7}", count: 5_000_000)))
  }

  @Test("garbage does not end the server") func garbage() throws {
    let server = try server()
    _ = try ask(server.port, "\u{0}\u{1}\u{2} no HTTP\r\n")
    #expect(try ask(server.port, "GET /metrics HTTP/1.1\r\n").hasPrefix("HTTP/1.1 200 "))
  }

  @Test("connections over the limit wait or are closed; the others are served") func many() throws {
    var limits = HTTPLimits()
    limits.connections = 4
    let server = try server(limits: limits)
    let idle = try (0..<4).map { _ in try dial(server.port) }
    let over = try dial(server.port)
    defer { close(over) }
    let request = Array("GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n".utf8)
    send(over, request, request.count, Int32(MSG_NOSIGNAL))
    var byte: UInt8 = 0
    usleep(500_000)
    // Not yet answered, or closed.
    #expect(recv(over, &byte, 1, Int32(MSG_DONTWAIT)) <= 0)
    for descriptor in idle { close(descriptor) }
    #expect(try ask(server.port, "GET /metrics HTTP/1.1\r\n").hasPrefix("HTTP/1.1 200 "))
  }

  @Test("an idle connection is closed after its time") func idle() throws {
    var limits = HTTPLimits()
    limits.idleSeconds = 1
    let server = try server(limits: limits)
    let descriptor = try dial(server.port)
    defer { close(descriptor) }
    var byte: UInt8 = 0
    // The socket's own receive timeout is ten seconds: -1 would be that.
    #expect(read(descriptor, &byte, 1) == 0)
  }

  @Test("a request that does not end is ended, however often it says something") func slow() throws
  {
    var limits = HTTPLimits()
    (limits.idleSeconds, limits.requestSeconds) = (10, 2)
    let server = try server(limits: limits)
    let descriptor = try dial(server.port)
    defer { close(descriptor) }
    var bytes: [UInt8] = Array("GET /metrics HTTP/1.1\r\n".utf8)
    #expect(send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count)
    bytes = Array("X: y\r\n".utf8)
    let begin = time(nil)
    while time(nil) - begin < 9 {
      if send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) < 0 { break }
      usleep(100_000)
    }
    #expect((1...5).contains(time(nil) - begin))
  }

  @Test("a reader that takes no more is ended, and the body given back") func slowReader() throws {
    var limits = HTTPLimits()
    (limits.idleSeconds, limits.requestSeconds) = (10, 2)
    let returned = try Event()
    let server = try HTTPServer(
      try ListenAddress("127.0.0.1:0"), limits: limits,
      routes: [
        HTTPRoute("/") { _ in
          HTTPResponse(
            body: HTTPBody([UInt8](repeating: 7, count: 50_000_000)) {
              if $0.count == 50_000_000 { returned.raise() }
            })
        }
      ])
    let descriptor = try dial(server.port)
    defer { close(descriptor) }
    let request = Array("GET / HTTP/1.1\r\nHost: test\r\n\r\n".utf8)
    #expect(send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count)
    let begin = time(nil)
    returned.wait(milliseconds: 10_000)
    #expect((1...5).contains(time(nil) - begin))
  }

  @Test("without the token nothing is learnt but whether it is alive") func token() throws {
    let server = try server(token: BearerToken("secret"))
    for head in [
      "", "Authorization: Bearer\r\n", "Authorization: Bearer secre\r\n",
      "Authorization: Bearer secreT\r\n", "Authorization: Basic secret\r\n",
      "Authorization: Bearer secret2\r\n", "Authorization: secret\r\n",
    ] {
      for path in ["/metrics", "/nothing"] {
        let answer = try ask(server.port, "GET \(path) HTTP/1.1\r\n\(head)")
        #expect(answer.hasPrefix("HTTP/1.1 401 "))
        #expect(answer.contains("WWW-Authenticate: Bearer realm=\"apus\"\r\n"))
        #expect(!answer.contains("large"))
      }
    }
    #expect(try ask(server.port, "GET /readyz HTTP/1.1\r\n").hasPrefix("HTTP/1.1 503 "))
    for head in ["Authorization: Bearer secret\r\n", "authorization: bearer secret\r\n"] {
      #expect(try ask(server.port, "GET /metrics HTTP/1.1\r\n\(head)").hasPrefix("HTTP/1.1 200 "))
    }
  }

  @Test("a token's file is read anew, and nobody is let in while it has none") func tokenFile()
    throws
  {
    let path = "/tmp/apus-token-\(getpid())"
    func write(_ text: String) throws {
      let file = try #require(fopen(path, "w"))
      fputs(text, file)
      fclose(file)
    }
    defer { unlink(path) }
    for bad in ["", "\n", "two words", String(repeating: "x", count: 5000)] {
      try write(bad)
      #expect(throws: ServeError.self) { try BearerToken(file: path) }
    }
    try write("first\n")
    let token = try BearerToken(file: path)
    #expect(token.isShown(in: "Bearer first"))
    try write("second")
    #expect(token.isShown(in: "Bearer second") && !token.isShown(in: "Bearer first"))
    try write("")
    #expect(!token.isShown(in: "Bearer second") && !token.isShown(in: "Bearer "))
    unlink(path)
    #expect(!token.isShown(in: "Bearer second"))
    try write("third")
    #expect(token.isShown(in: "Bearer third"))
  }

  @Test("without a certificate it does not start, and says which file is wrong") func certificate()
  {
    do {
      let server = try HTTPServer(
        try ListenAddress("127.0.0.1:0"), tls: TLSFiles(certificate: "/none.crt", key: "/none.key"),
        routes: [])
      server.stop()
      Issue.record("it starts")
    } catch {
      #expect(error == .certificate("/none.crt: No such file or directory"))
    }
  }

  @Test("a port in use is named, with what to do") func inUse() throws {
    let server = try server()
    let address = try ListenAddress("127.0.0.1:\(server.port)")
    do {
      let second = try HTTPServer(address, routes: [])
      second.stop()
      Issue.record("it listens twice")
    } catch {
      #expect(error.isInUse)
      #expect(
        error.description
          == """
          127.0.0.1:\(server.port) is in use; choose another with --listen ADDR:PORT or stop the \
          process that holds it
          """)
    }
  }

  @Test("stopping frees the port, every descriptor and the thread") func stop() throws {
    let warm = try server()
    warm.stop()
    let before = (entries("/proc/self/fd"), entries("/proc/self/task"))
    for _ in 0..<23 {
      let server = try server()
      let port = server.port
      #expect(try ask(port, "GET /metrics HTTP/1.1\r\n").hasPrefix("HTTP/1.1 200 "))
      server.stop()
      #expect(isRefused(port))
    }
    // Other tests run beside this one, hence less than one per server rather than none.
    #expect(entries("/proc/self/fd") < before.0 + 23)
    #expect(entries("/proc/self/task") < before.1 + 23)
  }

  @Test("IPv6 is served") func six() throws {
    let server = try HTTPServer(
      try ListenAddress("[::1]:0"), routes: [HTTPRoute("/") { _ in HTTPResponse(text: "six") }])
    let descriptor = try ListenAddress("[::1]:\(server.port)").connect()
    #expect(try ask(descriptor, "GET / HTTP/1.1\r\n").hasSuffix("\r\n\r\nsix"))
  }
}

@Suite("listen addresses") struct ListenAddressTests {
  @Test("numeric addresses with a port", arguments: ["127.0.0.1:9464", "0.0.0.0:0", "[::1]:65535"])
  func valid(text: String) throws {
    #expect(try ListenAddress(text).description == text)
  }

  @Test(
    "anything else is refused",
    arguments: [
      "", ":", ":9464", "9464", "localhost:9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
      "127.0.0.1:-1", "127.0.0.1:+1", "::1:9464", "[::1]", "[127.0.0.1]:1", "1.2.3:1", "[]:1",
    ])
  func invalid(text: String) {
    #expect(throws: ServeError.address(text)) { try ListenAddress(text) }
  }

  @Test("an address that this machine does not have is an error with its number")
  func foreign() throws {
    let address = try ListenAddress("192.0.2.1:80")
    #expect(throws: ServeError.listen(address: "192.0.2.1:80", errno: EADDRNOTAVAIL)) {
      try address.listen()
    }
  }
}

private struct SocketFailure: Error {
  let code: Int32
}

private func dial(_ port: UInt16) throws -> Int32 {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
  var limit = timeval(tv_sec: 10, tv_usec: 0)
  setsockopt(
    descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  var name = sockaddr_in()
  name.sin_family = sa_family_t(AF_INET)
  name.sin_port = port.bigEndian
  name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  let code = withUnsafePointer(to: &name) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
  guard code == 0 else {
    let code = errno
    close(descriptor)
    throw SocketFailure(code: code)
  }
  return descriptor
}

/// Soon: a process that another test is just starting has the listener, too, until it executes.
private func isRefused(_ port: UInt16) -> Bool {
  for _ in 0..<100 {
    guard let descriptor = try? dial(port) else { return true }
    close(descriptor)
    usleep(20_000)
  }
  return false
}

/// Sends a request head, asks for the connection to be closed, and reads to its end.
private func ask(_ port: UInt16, _ head: String) throws -> String {
  try ask(try dial(port), head)
}

/// The same on a connection, which is closed.
private func ask(_ descriptor: Int32, _ head: String) throws -> String {
  defer { close(descriptor) }
  let request = Array((head + "Host: test\r\nConnection: close\r\n\r\n").utf8)
  guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count
  else { throw SocketFailure(code: errno) }
  var answer: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = read(descriptor, &buffer, buffer.count)
    guard count > 0 else { break }
    answer.append(contentsOf: buffer[..<count])
  }
  return String(decoding: answer, as: UTF8.self)
}

private func entries(_ path: String) -> Int {
  guard let directory = opendir(path) else { return 0 }
  defer { closedir(directory) }
  var count = 0
  while readdir(directory) != nil { count += 1 }
  return count
}
