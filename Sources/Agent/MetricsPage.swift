// SPDX-License-Identifier: Apache-2.0
// /metrics: one scrape at a time is rendered, on the HTTP thread, and a few are on their way.

internal import Config
internal import Export
internal import Identity
internal import Metrics
internal import Serve
internal import Synchronization

/// Answered on the HTTP library's thread.
final class MetricsPage: Sendable {
  private let store: MetricStore
  private let workloads: Workloads
  private let renderer: Mutex<Renderer>
  private let buffers = PageBuffers()

  private struct Renderer: ~Copyable {
    var exposition: PrometheusExposition
    var page = PrometheusPage()
  }

  init(_ shared: SharedParts, agentLabels: [UInt8], version: String, _ settings: Settings) {
    store = shared.store
    workloads = shared.workloads
    var options = PrometheusOptions()
    options.bucketsPerPower = settings.prometheus.bucketsPerPower
    options.hasCreated = settings.prometheus.created
    let scope =
      settings.prometheus.scopeLabels
      ? LabelText.render(
        ["otel_scope_name", "otel_scope_version", "otel_scope_schema_url"],
        ["apus", version, ResourceBuilder.schemaURL]) : []
    renderer = Mutex(
      Renderer(
        exposition: PrometheusExposition(
          targetLabels: agentLabels, commonLabels: scope, options: options)))
  }

  func answer(_ request: HTTPRequest) -> HTTPResponse {
    let wanted = PrometheusNegotiation(
      accept: request.accept, acceptEncoding: request.acceptEncoding)
    let client = request.client
    let buffer: [UInt8]
    do throws(PageRefusal) { buffer = try buffers.take(for: client) } catch {
      return refusal("\(error.rawValue)\n")
    }
    guard let page = render(wanted, in: buffer) else {
      buffers.giveBack([], sent: 0, to: client)
      return refusal("no memory\n")
    }
    let buffers = buffers
    let byteCount = page.count
    buffers.note(byteCount, to: client)
    var response = HTTPResponse(
      contentType: wanted.contentType,
      body: HTTPBody(page) { buffers.giveBack($0, sent: byteCount, to: client) })
    response.headers = [("Vary", "Accept, Accept-Encoding")]
    if wanted.isGzipped { response.headers.append(("Content-Encoding", "gzip")) }
    return response
  }

  private func refusal(_ text: String) -> HTTPResponse {
    var response = HTTPResponse(status: 503, text: text)
    response.headers = [("Retry-After", "1")]
    return response
  }

  /// Instrument by instrument, so that the store is never locked for long and never copied whole.
  private func render(
    _ wanted: PrometheusNegotiation, in buffer: consuming [UInt8]
  ) -> [UInt8]? {
    // Handed on and not shared, or emptying it would make another of the same size.
    var handed: [UInt8]? = consume buffer
    return renderer.withLock { renderer in
      guard renderer.page.begin(in: handed.take() ?? [], isGzipped: wanted.isGzipped) else {
        return nil
      }
      let format = wanted.format
      renderer.exposition.begin(format, to: &renderer.page.bytes)
      for index in 0..<store.instrumentCount {
        renderer.exposition.append(
          store.snapshot(instrument: index), at: index, format,
          workloadLabels: { workloads.labels(of: $0) }, to: &renderer.page)
      }
      renderer.exposition.end(format, to: &renderer.page.bytes)
      return renderer.page.finish()
    }
  }
}
