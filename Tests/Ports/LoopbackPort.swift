// SPDX-License-Identifier: Apache-2.0
// A port of 127.0.0.1 for tests of what becomes of those who connect.

import Glibc

/// Bound, so nobody else has it; refuses connections until it listens, and then leaves them in its
/// queue.
package struct LoopbackPort: ~Copyable {
  package let descriptor: CInt
  package let number: UInt16

  package init(isListening: Bool = true) {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = self.descriptor
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
      }
    }
    precondition(isBound, "a free port of the loopback interface can be had")
    number = UInt16(bigEndian: address.sin_port)
    if isListening { listen() }
  }

  package func listen() {
    let code = Glibc.listen(descriptor, 128)
    precondition(code == 0, "a bound socket can listen")
  }

  deinit { close(descriptor) }
}
