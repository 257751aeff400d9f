// SPDX-License-Identifier: Apache-2.0
// What the HTTP endpoint answers.

internal import Platform
internal import Serve

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
      report(health.obstacles(), well: "ready", request)
    },
    HTTPRoute("/") { _ in
      HTTPResponse(
        text: """
          apus, an eBPF node agent
            /metrics   for Prometheus: text, OpenMetrics, or protobuf with native histograms
            /healthz   200 while its threads move, else 503 with what is wrong
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
