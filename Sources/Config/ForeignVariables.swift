// SPDX-License-Identifier: Apache-2.0
// Variables of OpenTelemetry that are no option of ours: two that say where Prometheus scrapes,
// those that are known and have no effect, those that are refused, and slips of the pen.

internal import Platform

package enum ForeignVariables {
  private struct Row {
    let name: String
    let type: ValueType
    /// Why it has no effect.
    let reason: String
  }

  private static let host = "OTEL_EXPORTER_PROMETHEUS_HOST"
  private static let port = "OTEL_EXPORTER_PROMETHEUS_PORT"

  private static func whole(_ unit: String) -> ValueType {
    .integer(0...1_000_000_000, unit: unit)
  }
  private static let time = ValueType.milliseconds(0...86_400_000)

  private static let unused: [Row] =
    [
      ("OTEL_BSP_SCHEDULE_DELAY", time), ("OTEL_BSP_EXPORT_TIMEOUT", time),
      ("OTEL_BSP_MAX_QUEUE_SIZE", whole("spans")),
      ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", whole("spans")),
      ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", whole("characters")),
      ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", whole("attributes")),
      ("OTEL_SPAN_EVENT_COUNT_LIMIT", whole("events")),
      ("OTEL_SPAN_LINK_COUNT_LIMIT", whole("links")),
      ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", whole("attributes")),
      ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", whole("attributes")), ("OTEL_TRACES_SAMPLER", .text),
      ("OTEL_TRACES_SAMPLER_ARG", .text),
    ].map { Row(name: $0.0, type: $0.1, reason: "there are no spans yet") } + [
      Row(
        name: "OTEL_METRICS_EXEMPLAR_FILTER",
        type: .choice(["always_on", "always_off", "trace_based"]),
        reason: "there are no exemplars yet"),
      Row(name: "OTEL_PROPAGATORS", type: .text, reason: "no context is passed on"),
    ]

  private static let refused: [(name: String, wrong: String, right: String)] = [
    (
      "OTEL_CONFIG_FILE", "declarative SDK files are not read",
      "write a file of ours (see 'apus config schema') and name it with --config"
    ),
    ("OTEL_ENTITIES", "entities are not supported yet", "write OTEL_RESOURCE_ATTRIBUTES"),
  ]

  /// No record has more attributes, which a test holds; so a limit from here on is kept.
  package static let attributesMax = 64
  private static let countLimits = [
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT",
  ]

  static func examine(_ environment: Environment, names: [String], _ remarks: inout Remarks) {
    func text(_ name: String) -> String? { environment(name).flatMap { $0.isEmpty ? nil : $0 } }
    for row in unused {
      guard let text = text(row.name) else { continue }
      do throws(ValueError) {
        _ = try row.type.parse(text, .environment)
        remarks.notes.append("\(row.name) has no effect: \(row.reason)")
      } catch {
        remarks.warn(row.name, error.wrong, error.right, "the variable is ignored")
      }
    }
    for row in refused where text(row.name) != nil {
      remarks.warn(row.name, row.wrong, row.right, "the variable is ignored")
    }
    // The one for log records alone wins.
    if let name = countLimits.first(where: { text($0) != nil }), let text = text(name) {
      countLimit(name, text, &remarks)
    }
    findSlips(names, &remarks)
  }

  private static func countLimit(_ name: String, _ text: String, _ remarks: inout Remarks) {
    do throws(ValueError) {
      guard case .integer(let limit) = try whole("attributes").parse(text, .environment) else {
        return
      }
      guard limit < attributesMax else { return }
      remarks.warn(
        name, "a limit of \(limit) attributes is not applied",
        "write \(attributesMax) or more, and drop attributes in the collector",
        "records have all of theirs, at most \(attributesMax)")
    } catch {
      remarks.warn(name, error.wrong, error.right, "the variable is ignored")
    }
  }

  /// Every name that means something here.
  static let known: [String] =
    OptionTable.rows.flatMap {
      [$0.environment, $0.obsoleteEnvironment, $0.generalEnvironment].compactMap(\.self)
    }
    + unused.map(\.name) + refused.map(\.name) + countLimits + [host, port]

  /// SDKs of other languages have variables of their own, so only a near miss is worth a word.
  private static func findSlips(_ names: [String], _ remarks: inout Remarks) {
    let strange = names.filter { $0.hasPrefix("OTEL_") && !known.contains($0) }
    for name in strange.sorted().prefix(Limits.errors) {
      let near = known.map { ($0, NearMiss.distance(name, $0)) }.min { $0.1 < $1.1 }
      if let near, near.1 <= 2 {
        remarks.warn(
          shortened(name), "unknown variable", "did you mean \(near.0)?", "the variable is ignored")
      } else if name.hasPrefix("OTEL_EXPORTER_OTLP_") {
        remarks.notes.append("\(shortened(name)) has no effect: it is not known")
      }
    }
  }

  /// Where the two variables of the Prometheus exporter say to listen; nil when neither does.
  static func listen(
    _ environment: Environment, _ remarks: inout Remarks
  ) -> (address: ListenAddress, name: String)? {
    var source: String?
    var address = "127.0.0.1"
    if let text = environment(host), !text.isEmpty {
      let bare =
        text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
      if text.lowercased() == "localhost" {
        source = host
      } else if isNumericAddress(bare, isIPv6: bare.contains(":")) {
        address = bare
        source = host
      } else {
        remarks.warn(
          host, "\(shown(text)) is neither an address nor localhost",
          "write an IPv4 or IPv6 address, or localhost",
          "the variable is ignored, the default is localhost")
      }
    }
    var number: UInt16 = 9464
    if let text = environment(port), !text.isEmpty {
      if let port = wholeNumber(text).flatMap({ UInt16(exactly: $0) }) {
        number = port
        source = ForeignVariables.port
      } else {
        remarks.warn(
          port, "\(shown(text)) is no port", "write a port from 0 to 65535",
          "the variable is ignored, the default is 9464")
      }
    }
    return source.map { (ListenAddress(address: address, port: number), $0) }
  }
}

extension Layer {
  /// Only where neither file nor flag says where to listen: `listen` is more than Prometheus.
  mutating func listenAsPrometheus(_ environment: Environment, _ remarks: inout Remarks) {
    guard let found = ForeignVariables.listen(environment, &remarks) else { return }
    guard self[.listen]?.source == .fallback else {
      remarks.notes.append("\(found.name) has no effect: listen is set")
      return
    }
    set(.listen, Entry(.listen(found.address), .environment(found.name)))
  }
}
