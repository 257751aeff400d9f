// SPDX-License-Identifier: Apache-2.0
// A lane with answers made by hand: what is sent again, when, and what is dropped.

import Metrics
import OTLP
import Testing

@testable import Export
@testable import Transport

private let second: UInt64 = 1_000_000_000

/// A lane to a port where nobody listens; its requests are withdrawn, and answered here.
private struct LaneFixture {
  let ledger = makeLedger(["otlp"])
  let queue = BatchQueue(byteLimit: 1 << 20)
  let transfers: Transfers
  let lane: Lane

  init(
    _ form: BodyForm = .plain, authorities: String? = nil, path: String = "v1/logs"
  ) throws {
    transfers = try Transfers()
    let client = try OTLPClient(
      url: "http://127.0.0.1:1/\(path)",
      settings: OTLPSettings(
        transport: .httpProtobuf, tls: TLSFiles(authorities: authorities),
        isGzipped: form.isGzipped, version: "1"))
    lane = Lane(
      name: "test", destination: 0, client: client, form: form, encoder: BodyEncoder(),
      queue: queue,
      ledger: ledger)
  }

  /// Whether the lane sends at `now`; the request is then answered.
  func sends(
    at now: UInt64, _ status: Int, retryAfter: String? = nil, body: [UInt8] = [],
    failure: TransferFailure? = nil
  ) -> Bool {
    lane.step(transfers, token: 7, now: now)
    guard lane.isInFlight, transfers.cancel(token: 7) else { return false }
    var response = Response()
    response.status = status
    response.retryAfter = retryAfter
    response.body = body
    if !body.isEmpty { response.contentType = "application/x-protobuf" }
    lane.complete(
      Completion(token: 7, response: response, failure: failure), now: now, unixSeconds: 0)
    return true
  }

  func lost(_ loss: Loss) -> UInt64? { ledger.count("exec", "otlp", loss) }

  var delivered: UInt64? { ledger.row("exec", "otlp")?.delivered }
}

@Suite("one signal on its way to a collector")
struct LaneTests {
  @Test("what a collector takes is delivered, once, in order")
  func delivered() throws {
    let fixture = try LaneFixture()
    #expect(!fixture.sends(at: 5, 200))
    for count in [3, 4] { #expect(fixture.queue.offer(batch(count))) }
    #expect(fixture.sends(at: 5, 200))
    #expect(fixture.delivered == 3 && fixture.queue.count == 1)
    #expect(fixture.sends(at: 5, 200))
    #expect(fixture.delivered == 7 && fixture.queue.count == 0)
    #expect(!fixture.sends(at: 6, 200))
    #expect(fixture.lane.statistics.batchesDelivered.value == 2)
    #expect(fixture.lane.delay(now: 6) == nil)
  }

  @Test("what a collector rejects of a batch is dropped, and the rest delivered")
  func partial() throws {
    let fixture = try LaneFixture()
    #expect(fixture.queue.offer(batch(10)))
    // partial_success { rejected_log_records: 4 }
    #expect(fixture.sends(at: 5, 200, body: [0x0a, 2, 0x08, 4]))
    #expect(fixture.delivered == 6 && fixture.lost(.rejected) == 4)
    // More than it was sent: 2^56 - 1.
    #expect(fixture.queue.offer(batch(10)))
    let huge: [UInt8] = [0x0a, 9, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]
    #expect(fixture.sends(at: 5, 200, body: huge))
    #expect(fixture.delivered == 6 && fixture.lost(.rejected) == 14)
    #expect(fixture.lane.statistics.rejected.value == 14)
  }

  @Test("at the end no pause is made that nobody asked for") func hurry() throws {
    let fixture = try LaneFixture()
    #expect(fixture.queue.offer(batch(3)))
    #expect(fixture.sends(at: 10 * second, 503))
    #expect(fixture.sends(at: 40 * second, 503))
    #expect(!fixture.sends(at: 40 * second + 1, 200))
    fixture.lane.hurry()
    #expect(fixture.sends(at: 40 * second + 1, 503))
    let again = 40 * second + 1 + second / 2
    #expect(!fixture.sends(at: again - 1, 200))
    #expect(fixture.sends(at: again, 503, retryAfter: "3"))
    fixture.lane.hurry()
    #expect(!fixture.sends(at: again + 3 * second - 1, 200))
    #expect(fixture.sends(at: again + 3 * second, 200))
  }

  @Test("what would be refused for ever is dropped at once", arguments: [400, 401, 404, 413, 500])
  func refused(status: Int) throws {
    let fixture = try LaneFixture()
    for count in [3, 4] { #expect(fixture.queue.offer(batch(count))) }
    #expect(fixture.sends(at: 5, status))
    #expect(fixture.lost(.refused) == 3 && fixture.delivered == 0)
    #expect(fixture.lane.statistics.batchesDropped.value == 1)
    #expect(fixture.lane.delay(now: 5) == 0)
    #expect(fixture.sends(at: 5, 200) && fixture.delivered == 4)
  }

  @Test("an overloaded collector gets the same batch again after a while", arguments: [429, 503])
  func retry(status: Int) throws {
    let fixture = try LaneFixture()
    #expect(fixture.queue.offer(batch(3)))
    let start = 100 * second
    #expect(fixture.sends(at: start, status))
    let delay = try #require(fixture.lane.delay(now: start))
    #expect(delay >= 500 && delay <= 1501)
    #expect(!fixture.sends(at: start + second / 2 - 1, 200))
    #expect(fixture.sends(at: start + UInt64(delay) * 1_000_000, 200))
    #expect(fixture.delivered == 3 && fixture.lane.statistics.retries.value == 1)
  }

  @Test("a collector's own wish for a pause is granted")
  func retryAfter() throws {
    let fixture = try LaneFixture()
    #expect(fixture.queue.offer(batch(3)))
    #expect(fixture.sends(at: second, 503, retryAfter: "20"))
    #expect(!fixture.sends(at: 21 * second - 1, 200))
    #expect(fixture.sends(at: 21 * second, 200))
  }

  @Test("a wish that is shorter than our own pause does not shorten it")
  func shortRetryAfter() throws {
    let fixture = try LaneFixture()
    #expect(fixture.queue.offer(batch(3)))
    for attempt in 1...9 as ClosedRange<UInt64> {
      #expect(fixture.sends(at: attempt * 30 * second, 503, retryAfter: "1"))
    }
    // After the ninth attempt it is a second times 1.5 to the eighth, within fifty per cent.
    #expect(!fixture.sends(at: (270 + 12) * second, 200))
  }

  @Test("a request that cannot be made is not tried again") func impossible() throws {
    // More than libcurl takes for a text.
    let fixture = try LaneFixture(path: String(repeating: "x", count: 8_000_001))
    #expect(fixture.queue.offer(batch(3)))
    #expect(!fixture.sends(at: 5, 200))
    #expect(fixture.lost(.refused) == 3 && fixture.queue.count == 0)
    #expect(fixture.lane.statistics.batchesDropped.value == 1)
  }

  @Test("a wish that is longer than a batch may wait costs that batch, and holds for the next")
  func longRetryAfter() throws {
    let fixture = try LaneFixture()
    for count in [3, 4] { #expect(fixture.queue.offer(batch(count))) }
    #expect(fixture.sends(at: second, 503, retryAfter: "20"))
    #expect(fixture.sends(at: 21 * second, 503, retryAfter: "600"))
    #expect(fixture.lost(.expired) == 3)
    // What is asked for is granted up to five minutes.
    #expect(!fixture.sends(at: 321 * second - 1, 200))
    #expect(fixture.sends(at: 321 * second, 200))
    #expect(fixture.delivered == 4)
  }

  @Test("a batch that nobody takes is given up after five minutes, and the next has its own five")
  func expired() throws {
    let fixture = try LaneFixture()
    for count in [3, 4] { #expect(fixture.queue.offer(batch(count))) }
    for (number, lost) in [(1, 3), (2, 7)] as [(UInt64, UInt64)] {
      let start = number * 10_000 * second
      var now = start
      var attempts = 0
      while fixture.lost(.expired) != lost {
        if fixture.sends(
          at: now, 0, failure: TransferFailure(kind: .connect, code: 7, message: "refused"))
        {
          attempts += 1
        }
        now += UInt64(fixture.lane.delay(now: now) ?? 0) * 1_000_000
        try #require(now < start + 301 * second && attempts < 60)
      }
      // Seven attempts reach waits of about eleven seconds; after that thirty at most.
      #expect(attempts >= 8 && now >= start + 240 * second)
    }
    #expect(fixture.queue.count == 0 && fixture.delivered == 0)
  }

  @Test("what is left at the end is dropped, and counted as such")
  func abandon() throws {
    let fixture = try LaneFixture()
    for count in [3, 4] { #expect(fixture.queue.offer(batch(count))) }
    fixture.lane.step(fixture.transfers, token: 7, now: 1)
    #expect(fixture.lane.isInFlight)
    fixture.transfers.cancel(token: 7)
    fixture.lane.abandon()
    #expect(fixture.lost(.shutdown) == 7 && fixture.queue.count == 0)
    #expect(fixture.lane.statistics.batchesDropped.value == 2)
  }

  @Test("a batch that is too large for a request is dropped, counted, and never sent")
  func tooLarge() throws {
    let fixture = try LaneFixture(BodyForm(requestByteMax: 200))
    for count in [30, 4] { #expect(fixture.queue.offer(batch(count))) }
    #expect(!fixture.sends(at: 5, 200))
    #expect(fixture.lost(.requestTooLarge) == 30 && fixture.delivered == 0)
    #expect(fixture.lane.statistics.batchesDropped.value == 1)
    #expect(fixture.sends(at: 5, 200) && fixture.delivered == 4)
  }

  @Test("a body is made once for all attempts") func madeOnce() throws {
    let fixture = try LaneFixture(BodyForm(isGzipped: true))
    #expect(fixture.queue.offer(batch(3)))
    #expect(fixture.lane.keptBody == nil)
    #expect(fixture.sends(at: second, 503))
    let kept = try #require(fixture.lane.keptBody)
    #expect(fixture.sends(at: 100 * second, 503))
    #expect(fixture.lane.keptBody === kept)
    #expect(fixture.sends(at: 200 * second, 200))
    #expect(fixture.lane.keptBody == nil)
  }

  @Test("certificates that cannot be read are waited for") func certificates() throws {
    let fixture = try LaneFixture(authorities: "/no/such/ca.pem")
    #expect(fixture.queue.offer(batch(3)))
    #expect(!fixture.sends(at: second, 200))
    #expect(fixture.queue.count == 1 && fixture.lane.statistics.retries.value == 1)
    #expect(try #require(fixture.lane.delay(now: second)) >= 500)
  }
}
