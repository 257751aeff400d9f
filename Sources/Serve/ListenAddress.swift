// SPDX-License-Identifier: Apache-2.0
// Where to listen: a numeric address and a port, and the socket that is bound to it.

internal import Glibc

/// `127.0.0.1:9464` or `[::1]:9464`.
package struct ListenAddress: Equatable, Sendable {
  package let host: String
  package let port: UInt16
  private let isIPv6: Bool

  package init(_ text: String) throws(ServeError) {
    guard let colon = text.lastIndex(of: ":"),
      let port = Self.port(text[text.index(after: colon)...])
    else { throw .address(text) }
    var host = text[..<colon]
    isIPv6 = host.hasPrefix("[") && host.hasSuffix("]")
    if isIPv6 { host = host.dropFirst().dropLast() }
    self.host = String(host)
    self.port = port
    guard isIPv6 ? parsed6() != nil : parsed4() != nil else { throw .address(text) }
  }

  private static func port(_ text: Substring) -> UInt16? {
    guard (1...5).contains(text.utf8.count),
      text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
    else { return nil }
    return UInt16(text)
  }

  private func parsed4() -> in_addr? {
    var address = in_addr()
    return unsafe inet_pton(AF_INET, host, &address) == 1 ? address : nil
  }

  private func parsed6() -> in6_addr? {
    var address = in6_addr()
    return unsafe inet_pton(AF_INET6, host, &address) == 1 ? address : nil
  }

  /// A listening socket, and the port it has when this one is 0.
  func listen() throws(ServeError) -> (descriptor: Int32, port: UInt16) {
    let descriptor = socket(
      isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw failure(errno) }
    do throws(ServeError) {
      try set(SO_REUSEADDR, of: SOL_SOCKET, on: descriptor)
      // An IPv6 address means itself: [::] does not take the IPv4 port as well.
      if isIPv6 { try set(IPV6_V6ONLY, of: Int32(IPPROTO_IPV6), on: descriptor) }
      guard bind(to: descriptor) == 0, Glibc.listen(descriptor, 32) == 0 else {
        throw failure(errno)
      }
      return (descriptor, try boundPort(of: descriptor))
    } catch {
      _ = close(descriptor)
      throw error
    }
  }

  private func set(_ option: Int32, of level: Int32, on descriptor: Int32) throws(ServeError) {
    var on: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    guard unsafe setsockopt(descriptor, level, option, &on, size) == 0 else { throw failure(errno) }
  }

  /// A socket that is connected to whoever listens there.
  package func connect() throws(ServeError) -> Int32 {
    let descriptor = socket(
      isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw failure(errno) }
    let code = unsafe withSocketAddress { unsafe Glibc.connect(descriptor, $0, $1) }
    guard code == 0 else {
      let error = failure(errno)
      _ = close(descriptor)
      throw error
    }
    return descriptor
  }

  private func bind(to descriptor: Int32) -> Int32 {
    unsafe withSocketAddress { unsafe Glibc.bind(descriptor, $0, $1) }
  }

  private func withSocketAddress(
    _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    var storage = sockaddr_storage()
    return unsafe withUnsafeMutableBytes(of: &storage) { raw in
      let size: Int
      if isIPv6, let address = parsed6() {
        var name = sockaddr_in6()
        name.sin6_family = sa_family_t(AF_INET6)
        name.sin6_port = port.bigEndian
        name.sin6_addr = address
        unsafe raw.storeBytes(of: name, as: sockaddr_in6.self)
        size = MemoryLayout<sockaddr_in6>.size
      } else if let address = parsed4() {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr = address
        unsafe raw.storeBytes(of: name, as: sockaddr_in.self)
        size = MemoryLayout<sockaddr_in>.size
      } else {
        preconditionFailure("an address that was parsed no longer is one")
      }
      guard let base = raw.baseAddress else { return -1 }
      return unsafe body(base.assumingMemoryBound(to: sockaddr.self), socklen_t(size))
    }
  }

  private func boundPort(of descriptor: Int32) throws(ServeError) -> UInt16 {
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let code = unsafe withUnsafeMutableBytes(of: &storage) { raw -> Int32 in
      guard let base = raw.baseAddress else { return -1 }
      return unsafe getsockname(descriptor, base.assumingMemoryBound(to: sockaddr.self), &size)
    }
    guard code == 0 else { throw failure(errno) }
    // The port stands at the same place in both families.
    return unsafe withUnsafeBytes(of: &storage) { raw in
      unsafe UInt16(bigEndian: raw.load(fromByteOffset: 2, as: UInt16.self))
    }
  }

  private func failure(_ code: Int32) -> ServeError { .listen(address: description, errno: code) }
}

extension ListenAddress: CustomStringConvertible {
  package var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
