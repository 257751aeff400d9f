// SPDX-License-Identifier: Apache-2.0
// What a check of a destination makes of an answer, or of none.

import Testing

@testable import Export
@testable import Transport

@Suite("faults of destinations")
struct DestinationFaultTests {
  private func fault(
    _ reason: ExportFailure.Reason, isThroughProxy: Bool = false
  ) -> DestinationCheck.Fault {
    DestinationCheck.Fault(
      ExportFailure(reason: reason, message: ""),
      Completion(token: 0, response: Response(), failure: nil), isSecure: false, isSocket: false,
      isThroughProxy: isThroughProxy)
  }

  @Test("a status has the fault that says what to do about it") func statuses() {
    let http: [(Int, DestinationCheck.Fault)] = [
      (307, .redirected), (400, .refused), (401, .unauthorized), (403, .unauthorized),
      (404, .notFound), (405, .notFound), (407, .proxyUnauthorized), (415, .protocolMismatch),
      (426, .protocolMismatch), (429, .busy), (500, .refused), (502, .busy), (503, .busy),
      (504, .busy), (505, .protocolMismatch),
    ]
    for (status, expected) in http { #expect(fault(.http(status: status)) == expected) }
    let grpc: [(Int, DestinationCheck.Fault)] = [
      (2, .refused), (7, .unauthorized), (8, .busy), (12, .noService), (14, .busy),
      (16, .unauthorized),
    ]
    for (status, expected) in grpc { #expect(fault(.grpc(status: status)) == expected) }
  }

  @Test("a proxy that cannot be reached is not the collector's fault") func proxy() {
    for kind in [TransferFailure.Kind.connect, .connectTimeout] {
      #expect(fault(.transport(kind), isThroughProxy: true) == .proxy)
      #expect(fault(.transport(kind)) != .proxy)
    }
  }
}
