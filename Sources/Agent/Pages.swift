// SPDX-License-Identifier: Apache-2.0
// What the HTTP endpoint answers.

internal import Export
internal import Identity
internal import Metrics
internal import Platform
internal import Serve
internal import Synchronization

/// Whether the agent is up, and why not.
///
/// Any thread may use it.
final class Health: Sendable {
  /// A thread that has done nothing for so long, beyond the wait it may take, hangs.
  private static let staleNanoseconds: UInt64 = 10_000_000_000

  private let isReady = Atomic<Bool>(false)
  private let threads: [(name: String, heartbeat: Heartbeat)]
  private let staleNanoseconds: UInt64

  init(threads: [(name: String, heartbeat: Heartbeat)], waitMilliseconds: Int) {
    self.threads = threads
    staleNanoseconds = Health.staleNanoseconds + UInt64(waitMilliseconds) * 1_000_000
  }

  func setReady(_ value: Bool) { isReady.store(value, ordering: .releasing) }

  /// Lines of what is wrong; empty when all is well.
  func complaints() -> [String] {
    threads.filter { $0.heartbeat.ageNanoseconds > staleNanoseconds }.map {
      "thread \($0.name) has not moved for \($0.heartbeat.ageNanoseconds / 1_000_000_000) s"
    }
  }

  var ready: Bool { isReady.load(ordering: .acquiring) }
}

/// The pages.
///
/// Answered on the HTTP library's thread.
func makePages(_ shared: SharedParts, _ health: Health, agentLabels: [UInt8]) -> [HTTPRoute] {
  let exposition = ExpositionBox(agentLabels)
  return [
    HTTPRoute("/metrics") { _ in
      let snapshot = shared.store.snapshot(unixNanoseconds: Clock.shared.unixNanoseconds())
      return HTTPResponse(
        status: 200, contentType: PrometheusExposition.contentType,
        body: exposition.render(snapshot) { shared.workloads.labels(of: $0) })
    },
    HTTPRoute("/healthz") { _ in
      let complaints = health.complaints()
      return complaints.isEmpty
        ? HTTPResponse(text: "ok\n")
        : HTTPResponse(status: 503, text: complaints.joined(separator: "\n") + "\n")
    },
    HTTPRoute("/readyz") { _ in
      guard health.ready else {
        return HTTPResponse(status: 503, text: "programs are not attached\n")
      }
      let complaints = health.complaints()
      return complaints.isEmpty
        ? HTTPResponse(text: "ready\n")
        : HTTPResponse(status: 503, text: complaints.joined(separator: "\n") + "\n")
    },
    HTTPRoute("/") { _ in
      HTTPResponse(
        text: """
          apus, an eBPF node agent
            /metrics   Prometheus text
            /healthz   200 while its threads move
            /readyz    200 while programs are attached

          """)
    },
  ]
}

/// Scrapes may come two at a time; the renderer keeps what it rendered once.
private final class ExpositionBox: Sendable {
  private let exposition: Mutex<PrometheusExposition>

  init(_ agentLabels: [UInt8]) {
    exposition = Mutex(PrometheusExposition(targetLabels: agentLabels))
  }

  func render(_ snapshot: MetricSnapshot, labels: @Sendable (UInt32) -> [UInt8]) -> [UInt8] {
    exposition.withLock { exposition in
      var page: [UInt8] = []
      page.reserveCapacity(16_384)
      exposition.render(snapshot, workloadLabels: labels, to: &page)
      return page
    }
  }
}
