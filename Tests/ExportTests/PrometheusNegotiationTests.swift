// SPDX-License-Identifier: Apache-2.0

import Fuzzing
import Testing

@testable import Export

private let text = "text/plain; version=0.0.4; charset=utf-8"
private let open = "application/openmetrics-text; version=1.0.0; charset=utf-8"
private let protobuf =
  "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

@Suite("which form of the page a request gets")
struct PrometheusNegotiationTests {
  @Test(
    "Accept headers",
    arguments: [
      // Nothing, anything, and what nobody can read.
      (nil, text), ("", text), ("*/*", text), ("nonsense", text), (";;;,,,;q=", text),
      ("application/json", text), ("\u{0}\u{1}/\u{2}", text), ("text/html, */*;q=0.1", text),
      // Prometheus 2.42 without native histograms, and with.
      (
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
          + "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", open
      ),
      (
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
          + "encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,"
          + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", protobuf
      ),
      // Prometheus 3.
      (
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
          + "application/openmetrics-text;version=0.0.1;q=0.4,"
          + "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
          + "text/plain;version=0.0.4;q=0.2,*/*;q=0.1", "\(open); escaping=allow-utf-8"
      ),
      // q decides, and 0 refuses.
      ("text/plain;q=0.9, application/openmetrics-text", open),
      ("text/plain, application/openmetrics-text;q=0.999", text),
      ("application/openmetrics-text;q=0", text), ("application/openmetrics-text;q=0, */*", text),
      ("application/openmetrics-text;q=0.0, application/*;q=0.5", protobuf),
      ("text/plain;q=0, */*;q=0.3", open), ("*/*;q=0", text),
      ("application/openmetrics-text;q=1.001", text), ("application/openmetrics-text;q=-1", text),
      ("application/openmetrics-text;q=1.000", open),
      ("application/openmetrics-text;q=0.001", open),
      // Of equals the first, and what is named before what is taken in.
      ("application/openmetrics-text, text/plain", open),
      ("text/plain, application/openmetrics-text", text),
      ("*/*, application/openmetrics-text", open), ("application/*", open),
      // The closest clause counts, wherever it stands.
      ("text/*;q=0.1, text/plain;q=0.9, application/openmetrics-text;q=0.5", text),
      (
        "text/plain;version=0.0.4;q=0.1, text/plain;q=0.9, application/openmetrics-text;q=0.5", open
      ),
      // Versions and encodings that are not had.
      ("application/openmetrics-text;version=0.0.1", text),
      (
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
        text
      ),
      ("application/vnd.google.protobuf;proto=other.Family;encoding=delimited", text),
      // Blanks, case and quotation marks.
      ("  Application/OpenMetrics-Text ;\tversion = \"1.0.0\" ;  Q=0.7 ,text/plain;q=0.5", open),
      // Escaping is told to those who ask.
      ("text/plain;escaping=underscores", "\(text); escaping=underscores"),
      ("text/plain;escaping=dots", "\(text); escaping=underscores"),
      ("application/openmetrics-text;escaping=values", "\(open); escaping=underscores"),
    ] as [(String?, String)])
  func accept(_ row: (String?, String)) {
    let found = PrometheusNegotiation(accept: row.0, acceptEncoding: nil)
    #expect(found.contentType == row.1)
    #expect(!found.isGzipped)
  }

  @Test(
    "Accept-Encoding headers",
    arguments: [
      (nil, false), ("", false), ("gzip", true), ("GZIP", true), ("x-gzip", true), ("*", true),
      ("deflate, br", false), ("gzip;q=0", false), ("gzip;q=0.0, *", false), ("*;q=0", false),
      ("gzip ; q=0.5 , identity;q=0.4", true), ("gzip;q=0.4, identity", false),
      ("gzip;q=nonsense", false), ("br;q=1, gzip;q=0.1", true),
    ] as [(String?, Bool)])
  func encoding(_ row: (String?, Bool)) {
    #expect(PrometheusNegotiation(accept: nil, acceptEncoding: row.0).isGzipped == row.1)
  }

  @Test("a header of many members is read to a bound, and in order") func long() {
    let many = Array(repeating: "a/b", count: 31).joined(separator: ",")
    let type = "application/openmetrics-text"
    #expect(
      PrometheusNegotiation(accept: "\(many),\(type)", acceptEncoding: nil).format == .openMetrics)
    #expect(
      PrometheusNegotiation(accept: "\(many),a/b,\(type)", acceptEncoding: nil).format == .text)
  }

  @Test("random headers are answered") func random() {
    let alphabet = Array("textplain/*;=,q0.1 \t\"application\u{e9}\u{0}")
    Fuzzing.run("headers of a scrape") { dice in
      for _ in 0..<20_000 {
        let header = String(
          (0..<Int.random(in: 0...40, using: &dice)).compactMap { _ in
            alphabet.randomElement(using: &dice)
          })
        let found = PrometheusNegotiation(accept: header, acceptEncoding: header)
        #expect(found.contentType.contains("; "))
      }
    }
  }
}
