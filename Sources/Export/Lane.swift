// SPDX-License-Identifier: Apache-2.0
// One signal on its way to one collector: a queue, at most one request in flight, plain retry.

package import Metrics
internal import OTLP
internal import Platform
internal import Transport

/// What a lane has done; any thread may read it.
package final class LaneStatistics: Sendable {
  package let batchesDelivered = Counter()
  package let batchesDropped = Counter()
  package let retries = Counter()
  /// Log records and data points that a collector did not take of batches that it took.
  package let rejected = Counter()

  init() {}
}

/// When to try again, by the OTLP rules: exponential with jitter, and an end.
package struct RetryPolicy: Sendable {
  package var initialNanoseconds: UInt64 = 1_000_000_000
  package var maxNanoseconds: UInt64 = 30_000_000_000
  package var elapsedNanoseconds: UInt64 = 300_000_000_000

  package init() {}

  /// The wait before attempt `attempt` (2 is the first repetition), within ±50 %.
  func backoff(attempt: Int, using generator: inout some RandomNumberGenerator) -> UInt64 {
    var wait = Double(initialNanoseconds)
    for _ in 0..<min(max(attempt - 2, 0), 20) { wait *= 1.5 }
    wait = min(wait, Double(maxNanoseconds))
    return UInt64(wait * Double.random(in: 0.5...1.5, using: &generator))
  }
}

/// Owned by the export thread; only `queue` and `statistics` are for others.
final class Lane {
  /// The longest pause that a collector is granted.
  private static let askedMaxNanoseconds: UInt64 = 300_000_000_000
  private static let hurriedNanoseconds: UInt64 = 500_000_000

  let queue: BatchQueue
  let statistics = LaneStatistics()
  private let name: String
  /// In the ledger; nil when no events go there.
  private let destination: Int?
  private let client: OTLPClient
  private let form: BodyForm
  private let encoder: BodyEncoder
  private let ledger: Ledger
  private let retry: RetryPolicy
  private var random = SystemRandomNumberGenerator()
  /// Of the oldest batch: made once, however often it is sent.
  private(set) var keptBody: (any BodySource)?
  private var attempt = 0
  private var firstAttemptAt: UInt64 = 0
  private var notBefore: UInt64 = 0
  /// By the collector, and not by our own rules alone.
  private var isPauseAsked = false
  private var isHurried = false
  private(set) var isInFlight = false

  init(
    name: String, destination: Int?, client: OTLPClient, form: BodyForm, encoder: BodyEncoder,
    queue: BatchQueue, ledger: Ledger, retry: RetryPolicy = RetryPolicy()
  ) {
    self.name = name
    self.destination = destination
    self.client = client
    self.form = form
    self.encoder = encoder
    self.queue = queue
    self.ledger = ledger
    self.retry = retry
  }

  /// Sends the oldest batch when it may be sent.
  func step(_ transfers: Transfers, token: UInt64, now: UInt64) {
    guard !isInFlight, now >= notBefore, let batch = queue.first() else { return }
    if attempt == 0 { firstAttemptAt = now }
    attempt += 1
    do throws(TransferFailure) {
      try client.refresh(now: now)
    } catch {
      let failure = ExportFailure(reason: .transport(error.kind), message: error.message)
      return settle(.retry(afterNanoseconds: nil, failure), now: now)
    }
    let body: any BodySource
    do throws(BodyError) {
      body = if let keptBody { keptBody } else { try encoder.body(of: batch, form) }
    } catch {
      Log.error("cannot send", ["destination": name, "error": "\(error)"])
      if case .tooLarge = error { return drop(.requestTooLarge) }
      return drop(.refused)
    }
    keptBody = body
    do throws(TransportError) {
      try transfers.start(client.request(body: body), token: token)
      isInFlight = true
    } catch {
      // Not the collector's fault, so not worth a retry: a request that cannot be made.
      Log.error("cannot send", ["destination": name, "error": "\(error)"])
      drop(.refused)
    }
  }

  /// The agent ends: there is no time for a long pause that nobody asked for.
  func hurry() {
    isHurried = true
    if !isPauseAsked { notBefore = 0 }
  }

  /// Milliseconds until there is something to do; nil when only others can make some.
  func delay(now: UInt64) -> Int? {
    guard !isInFlight, queue.count > 0 else { return nil }
    return notBefore <= now ? 0 : Int((notBefore - now) / 1_000_000) + 1
  }

  func complete(_ completion: Completion, now: UInt64, unixSeconds: Int64) {
    isInFlight = false
    settle(client.outcome(of: completion, unixSeconds: unixSeconds), now: now)
  }

  private func settle(_ outcome: ExportOutcome, now: UInt64) {
    switch outcome {
    case .delivered(let rejected, let message):
      if rejected > 0 || !message.isEmpty {
        Log.warn(
          "collector accepted with reservations",
          ["destination": name, "rejected": "\(rejected)", "message": message])
      }
      if attempt > 1 {
        Log.info("sent after all", ["destination": name, "attempts": "\(attempt)"])
      }
      if let batch = queue.first() {
        // A collector may say anything, but it was sent no more than these.
        statistics.rejected.add(min(rejected, UInt64(batch.recordCount)))
        if let destination {
          ledger.deliver(batch.kinds, rejected: rejected, destination: destination)
        }
      }
      statistics.batchesDelivered.add()
      queue.removeFirst()
      forget()
    case .refused(let failure):
      Log.error("collector refused", ["destination": name, "reason": "\(failure)"])
      drop(.refused)
    case .retry(let after, let failure):
      let elapsed = now - firstAttemptAt
      // A collector may ask for years: what it asks for is bounded like everything else.
      let asked = min(after ?? 0, Lane.askedMaxNanoseconds)
      let own =
        isHurried
        ? Lane.hurriedNanoseconds : retry.backoff(attempt: attempt + 1, using: &random)
      let wait = max(own, asked)
      guard elapsed + wait <= retry.elapsedNanoseconds else {
        Log.error("gave up on a batch", ["destination": name, "reason": "\(failure)"])
        drop(.expired)
        // What it asks for holds for the next batch, too.
        if after != nil { pause(until: now + asked, isAsked: true) }
        return
      }
      Log.warn(
        "will retry",
        [
          "destination": name, "reason": "\(failure)", "attempt": "\(attempt)",
          "wait_ms": "\(wait / 1_000_000)",
        ])
      statistics.retries.add()
      pause(until: now + wait, isAsked: asked > 0)
    }
  }

  /// At the end of the agent: what is left is dropped, and counted.
  func abandon() {
    isInFlight = false
    while queue.first() != nil { drop(.shutdown) }
  }

  private func drop(_ loss: Loss) {
    if let batch = queue.first() {
      if let destination { ledger.drop(loss, batch.kinds, destination: destination) }
      queue.removeFirst()
    }
    statistics.batchesDropped.add()
    forget()
  }

  private func forget() {
    keptBody = nil
    attempt = 0
    pause(until: 0, isAsked: false)
  }

  private func pause(until time: UInt64, isAsked: Bool) {
    notBefore = time
    isPauseAsked = isAsked
  }
}
