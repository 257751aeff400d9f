// SPDX-License-Identifier: Apache-2.0
// The telemetry table: complete, in OpenTelemetry's words, and its copy is of today.

import Config
import Glibc
import Metrics
import OTLP
import Testing

@testable import Agent

@Suite("what is told of telemetry")
struct TelemetryTests {
  @Test("docs/telemetry.md is what apus describe --markdown prints")
  func committed() throws {
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    let file = try #require(fopen((root + ["docs", "telemetry.md"]).joined(separator: "/"), "r"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 262_144)
    let count = fread(&bytes, 1, bytes.count, file)
    #expect(
      String(decoding: bytes[..<count], as: UTF8.self) == TelemetryTable.markdown,
      "run: .build/release/apus describe --markdown > docs/telemetry.md")
  }

  @Test("every instrument that the agent registers is told of, and no other")
  func instruments() throws {
    let store = MetricStore()
    let settings = try Settings.resolve(yaml: nil, fileName: "", environment: { _ in nil })
    _ = Instruments(store, settings)
    let registered = store.snapshot(unixNanoseconds: 1).instruments.map(\.descriptor)
    let told = TelemetryTable.workloadMetrics + TelemetryTable.agentMetrics
    #expect(Set(registered.map(\.name)) == Set(told.map(\.name)))
    #expect(registered.count == told.count)
    for descriptor in registered {
      let description = told.first { $0.name == descriptor.name }
      #expect(description?.unit == descriptor.unit)
      #expect(description?.attributes.map(\.row.name) == descriptor.attributeKeys)
    }
  }

  @Test("every attribute has a meaning, and one meaning in all events and metrics")
  func attributes() {
    let metrics = TelemetryTable.workloadMetrics + TelemetryTable.agentMetrics
    let uses =
      TelemetryTable.events.flatMap(\.attributes) + metrics.flatMap(\.attributes)
      + TelemetryTable.workloadResource + TelemetryTable.agentResource
    for use in uses {
      #expect(!use.row.meaning.isEmpty, "\(use.row.name)")
      #expect(!use.row.name.hasPrefix("apus.") || use.row.stability == .development)
    }
    // Resources are another namespace: all of theirs is text.
    let signals = TelemetryTable.events.flatMap(\.attributes) + metrics.flatMap(\.attributes)
    for use in signals {
      #expect(!signals.contains { $0.row.name == use.row.name && $0.row != use.row })
    }
    for event in TelemetryTable.events {
      #expect(Set(event.attributes.map(\.row.name)).count == event.attributes.count)
    }
  }
}
