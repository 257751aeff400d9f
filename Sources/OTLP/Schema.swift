// SPDX-License-Identifier: Apache-2.0
// The one description of OTLP's messages: numbers, JSON names and types, for transcoding.

enum FieldType: Equatable {
  case string
  /// Base64 in JSON.
  case bytes
  /// Trace and span ids: OTLP's JSON has them in hexadecimal, not in base64.
  case id
  case bool
  /// Varints that are JSON numbers.
  case int32, uint32
  case sint32
  /// An integer in JSON, never a name.
  case enumeration
  /// 64 bits are decimal strings in JSON.
  case int64, uint64, fixed64, sfixed64
  case fixed32
  case double
  case message(MessageID)

  var wireType: WireType {
    switch self {
    case .string, .bytes, .id, .message: .bytes
    case .bool, .int32, .uint32, .sint32, .enumeration, .int64, .uint64: .varint
    case .fixed64, .sfixed64, .double: .fixed64
    case .fixed32: .fixed32
    }
  }
}

struct SchemaField {
  var number: UInt32
  /// The name in quotes and a colon.
  var jsonKey: [UInt8]
  var type: FieldType
  var isRepeated: Bool

  static func one(_ number: UInt32, _ name: String, _ type: FieldType) -> SchemaField {
    SchemaField(
      number: number, jsonKey: Array("\"\(name)\":".utf8), type: type, isRepeated: false)
  }

  static func many(_ number: UInt32, _ name: String, _ type: FieldType) -> SchemaField {
    SchemaField(number: number, jsonKey: Array("\"\(name)\":".utf8), type: type, isRepeated: true)
  }
}

/// Indexes `Schema.messages`.
enum MessageID: Int, CaseIterable {
  case logsData, resourceLogs, scopeLogs, logRecord
  case tracesData, resourceSpans, scopeSpans, span, spanEvent, spanLink, spanStatus
  case metricsData, resourceMetrics, scopeMetrics, metric, gauge, sum, histogram
  case exponentialHistogram, summary, numberPoint, histogramPoint, exponentialPoint, buckets
  case summaryPoint, valueAtQuantile, exemplar
  case resource, entityRef, scope, keyValue, anyValue, arrayValue, keyValueList

  var fields: [SchemaField] { Schema.messages[rawValue] }

  init(_ signal: Signal) {
    self =
      switch signal {
      case .logs: .logsData
      case .metrics: .metricsData
      case .traces: .tracesData
      }
  }
}

enum Schema {
  static let messages: [[SchemaField]] = MessageID.allCases.map { message in
    common(message) ?? logs(message) ?? traces(message) ?? metrics(message) ?? points(message)
      ?? []
  }

  private static func common(_ message: MessageID) -> [SchemaField]? {
    switch message {
    case .anyValue:
      [
        .one(1, "stringValue", .string), .one(2, "boolValue", .bool), .one(3, "intValue", .int64),
        .one(4, "doubleValue", .double), .one(5, "arrayValue", .message(.arrayValue)),
        .one(6, "kvlistValue", .message(.keyValueList)), .one(7, "bytesValue", .bytes),
        .one(8, "stringValueStrindex", .int32),
      ]
    case .arrayValue: [.many(1, "values", .message(.anyValue))]
    case .keyValueList: [.many(1, "values", .message(.keyValue))]
    case .keyValue:
      [
        .one(1, "key", .string), .one(2, "value", .message(.anyValue)),
        .one(3, "keyStrindex", .int32),
      ]
    case .scope:
      [
        .one(1, "name", .string), .one(2, "version", .string),
        .many(3, "attributes", .message(.keyValue)), .one(4, "droppedAttributesCount", .uint32),
      ]
    case .entityRef:
      [
        .one(1, "schemaUrl", .string), .one(2, "type", .string), .many(3, "idKeys", .string),
        .many(4, "descriptionKeys", .string),
      ]
    case .resource:
      [
        .many(1, "attributes", .message(.keyValue)), .one(2, "droppedAttributesCount", .uint32),
        .many(3, "entityRefs", .message(.entityRef)),
      ]
    default: nil
    }
  }

  private static func logs(_ message: MessageID) -> [SchemaField]? {
    switch message {
    case .logsData: [.many(1, "resourceLogs", .message(.resourceLogs))]
    case .resourceLogs:
      [
        .one(1, "resource", .message(.resource)), .many(2, "scopeLogs", .message(.scopeLogs)),
        .one(3, "schemaUrl", .string),
      ]
    case .scopeLogs:
      [
        .one(1, "scope", .message(.scope)), .many(2, "logRecords", .message(.logRecord)),
        .one(3, "schemaUrl", .string),
      ]
    case .logRecord:
      [
        .one(1, "timeUnixNano", .fixed64), .one(11, "observedTimeUnixNano", .fixed64),
        .one(2, "severityNumber", .enumeration), .one(3, "severityText", .string),
        .one(12, "eventName", .string), .one(5, "body", .message(.anyValue)),
        .many(6, "attributes", .message(.keyValue)), .one(7, "droppedAttributesCount", .uint32),
        .one(8, "flags", .fixed32), .one(9, "traceId", .id), .one(10, "spanId", .id),
      ]
    default: nil
    }
  }

  private static func traces(_ message: MessageID) -> [SchemaField]? {
    switch message {
    case .tracesData: [.many(1, "resourceSpans", .message(.resourceSpans))]
    case .resourceSpans:
      [
        .one(1, "resource", .message(.resource)), .many(2, "scopeSpans", .message(.scopeSpans)),
        .one(3, "schemaUrl", .string),
      ]
    case .scopeSpans:
      [
        .one(1, "scope", .message(.scope)), .many(2, "spans", .message(.span)),
        .one(3, "schemaUrl", .string),
      ]
    case .span:
      [
        .one(1, "traceId", .id), .one(2, "spanId", .id), .one(3, "traceState", .string),
        .one(4, "parentSpanId", .id), .one(16, "flags", .fixed32), .one(5, "name", .string),
        .one(6, "kind", .enumeration), .one(7, "startTimeUnixNano", .fixed64),
        .one(8, "endTimeUnixNano", .fixed64), .many(9, "attributes", .message(.keyValue)),
        .one(10, "droppedAttributesCount", .uint32), .many(11, "events", .message(.spanEvent)),
        .one(12, "droppedEventsCount", .uint32), .many(13, "links", .message(.spanLink)),
        .one(14, "droppedLinksCount", .uint32), .one(15, "status", .message(.spanStatus)),
      ]
    case .spanEvent:
      [
        .one(1, "timeUnixNano", .fixed64), .one(2, "name", .string),
        .many(3, "attributes", .message(.keyValue)), .one(4, "droppedAttributesCount", .uint32),
      ]
    case .spanLink:
      [
        .one(1, "traceId", .id), .one(2, "spanId", .id), .one(3, "traceState", .string),
        .many(4, "attributes", .message(.keyValue)), .one(5, "droppedAttributesCount", .uint32),
        .one(6, "flags", .fixed32),
      ]
    case .spanStatus: [.one(2, "message", .string), .one(3, "code", .enumeration)]
    default: nil
    }
  }

  private static func metrics(_ message: MessageID) -> [SchemaField]? {
    switch message {
    case .metricsData: [.many(1, "resourceMetrics", .message(.resourceMetrics))]
    case .resourceMetrics:
      [
        .one(1, "resource", .message(.resource)),
        .many(2, "scopeMetrics", .message(.scopeMetrics)), .one(3, "schemaUrl", .string),
      ]
    case .scopeMetrics:
      [
        .one(1, "scope", .message(.scope)), .many(2, "metrics", .message(.metric)),
        .one(3, "schemaUrl", .string),
      ]
    case .metric:
      [
        .one(1, "name", .string), .one(2, "description", .string), .one(3, "unit", .string),
        .one(5, "gauge", .message(.gauge)), .one(7, "sum", .message(.sum)),
        .one(9, "histogram", .message(.histogram)),
        .one(10, "exponentialHistogram", .message(.exponentialHistogram)),
        .one(11, "summary", .message(.summary)), .many(12, "metadata", .message(.keyValue)),
      ]
    case .gauge: [.many(1, "dataPoints", .message(.numberPoint))]
    case .sum:
      [
        .many(1, "dataPoints", .message(.numberPoint)),
        .one(2, "aggregationTemporality", .enumeration), .one(3, "isMonotonic", .bool),
      ]
    case .histogram:
      [
        .many(1, "dataPoints", .message(.histogramPoint)),
        .one(2, "aggregationTemporality", .enumeration),
      ]
    case .exponentialHistogram:
      [
        .many(1, "dataPoints", .message(.exponentialPoint)),
        .one(2, "aggregationTemporality", .enumeration),
      ]
    case .summary: [.many(1, "dataPoints", .message(.summaryPoint))]
    default: nil
    }
  }

  private static func points(_ message: MessageID) -> [SchemaField]? {
    let times: [SchemaField] = [
      .one(2, "startTimeUnixNano", .fixed64), .one(3, "timeUnixNano", .fixed64),
    ]
    return switch message {
    case .numberPoint:
      times + [
        .many(7, "attributes", .message(.keyValue)), .one(4, "asDouble", .double),
        .one(6, "asInt", .sfixed64), .many(5, "exemplars", .message(.exemplar)),
        .one(8, "flags", .uint32),
      ]
    case .histogramPoint:
      times + [
        .many(9, "attributes", .message(.keyValue)), .one(4, "count", .fixed64),
        .one(5, "sum", .double), .many(6, "bucketCounts", .fixed64),
        .many(7, "explicitBounds", .double), .many(8, "exemplars", .message(.exemplar)),
        .one(10, "flags", .uint32), .one(11, "min", .double), .one(12, "max", .double),
      ]
    case .exponentialPoint:
      times + [
        .many(1, "attributes", .message(.keyValue)), .one(4, "count", .fixed64),
        .one(5, "sum", .double), .one(6, "scale", .sint32), .one(7, "zeroCount", .fixed64),
        .one(8, "positive", .message(.buckets)), .one(9, "negative", .message(.buckets)),
        .one(10, "flags", .uint32), .many(11, "exemplars", .message(.exemplar)),
        .one(12, "min", .double), .one(13, "max", .double), .one(14, "zeroThreshold", .double),
      ]
    case .buckets: [.one(1, "offset", .sint32), .many(2, "bucketCounts", .uint64)]
    case .summaryPoint:
      times + [
        .many(7, "attributes", .message(.keyValue)), .one(4, "count", .fixed64),
        .one(5, "sum", .double), .many(6, "quantileValues", .message(.valueAtQuantile)),
        .one(8, "flags", .uint32),
      ]
    case .valueAtQuantile: [.one(1, "quantile", .double), .one(2, "value", .double)]
    case .exemplar:
      [
        .many(7, "filteredAttributes", .message(.keyValue)), .one(2, "timeUnixNano", .fixed64),
        .one(3, "asDouble", .double), .one(6, "asInt", .sfixed64), .one(4, "spanId", .id),
        .one(5, "traceId", .id),
      ]
    default: nil
    }
  }
}
