// SPDX-License-Identifier: Apache-2.0
// What keeps a server from starting is found without one.

import Glibc
import Testing

@testable import Serve

@Suite("looking at an endpoint") struct EndpointCheckTests {
  @Test("a port that is held, and an address that is not ours") func addresses() throws {
    let (descriptor, port) = try ListenAddress("127.0.0.1:0").listen()
    #expect(EndpointCheck.address(try ListenAddress("127.0.0.1:\(port)"))?.isInUse == true)
    close(descriptor)
    // Neither the look before nor this one has left anything there.
    for _ in 0..<2 {
      #expect(EndpointCheck.address(try ListenAddress("127.0.0.1:\(port)")) == nil)
    }
    // TEST-NET-1: nobody's.
    #expect(
      EndpointCheck.address(try ListenAddress("192.0.2.1:\(port)"))
        == .listen(address: "192.0.2.1:\(port)", errno: EADDRNOTAVAIL))
  }

  @Test("files that are no pair") func certificates() {
    #expect(EndpointCheck.library() == nil)
    let error = EndpointCheck.certificate(TLSFiles(certificate: "/dev/null", key: "/dev/null"))
    #expect(error == .certificate("/dev/null and /dev/null are empty"))
  }
}
