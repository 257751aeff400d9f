// SPDX-License-Identifier: Apache-2.0
// What the HTTP endpoint answers.

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
func makePages(_ metrics: MetricsPage, _ health: Health) -> [HTTPRoute] {
  [
    HTTPRoute("/metrics") { metrics.answer($0) },
    HTTPRoute("/healthz", isOpen: true) { request in
      report(health.complaints(), well: "ok", request)
    },
    HTTPRoute("/readyz", isOpen: true) { request in
      let unready = health.ready ? [] : ["programs are not attached"]
      return report(unready + health.complaints(), well: "ready", request)
    },
    HTTPRoute("/") { _ in
      HTTPResponse(
        text: """
          apus, an eBPF node agent
            /metrics   for Prometheus: text, OpenMetrics, or protobuf with native histograms
            /healthz   200 while the threads that read the kernel move, else 503 with what is wrong
            /readyz    200 while programs are attached, else 503 with what is wrong

          """)
    },
  ]
}

/// What is wrong, if anything, as lines or, for those who ask for it, as JSON.
private func report(_ complaints: [String], well: String, _ request: HTTPRequest) -> HTTPResponse {
  let status = complaints.isEmpty ? 200 : 503
  guard let accept = request.accept, accept.lowercased().contains("application/json") else {
    let lines = complaints.isEmpty ? [well] : complaints
    return HTTPResponse(status: status, text: lines.joined(separator: "\n") + "\n")
  }
  let reasons = complaints.map { "\"\(jsonEscaped($0))\"" }.joined(separator: ",")
  let word = complaints.isEmpty ? well : "unavailable"
  return HTTPResponse(
    status: status, json: "{\"status\":\"\(word)\",\"reasons\":[\(reasons)]}\n")
}
