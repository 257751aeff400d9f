// SPDX-License-Identifier: Apache-2.0
// Who measured, and whose it is: what surrounds records in a request.

/// An InstrumentationScope with the schema that its records follow.
public struct Scope: Sendable {
  /// ScopeLogs, ScopeMetrics and ScopeSpans agree on the fields: scope = 1, schema_url = 3.
  let encoded: [UInt8]

  public init(name: String, version: String, schemaURL: String = "") {
    var scope: [UInt8] = []
    scope.appendField(1, Array(name.utf8))
    if !version.isEmpty { scope.appendField(2, Array(version.utf8)) }
    var encoded: [UInt8] = []
    encoded.appendField(1, scope)
    if !schemaURL.isEmpty { encoded.appendField(3, Array(schemaURL.utf8)) }
    self.encoded = encoded
  }
}

/// An encoded Resource message with the schema that its attributes follow.
public struct EncodedResource: Sendable {
  /// ResourceLogs, ResourceMetrics and ResourceSpans agree too: resource = 1, schema_url = 3.
  let encoded: [UInt8]

  /// `message` is the Resource without tag and length.
  public init(message: [UInt8], schemaURL: String = "") {
    var encoded: [UInt8] = []
    encoded.reserveCapacity(message.count + schemaURL.utf8.count + 8)
    encoded.appendField(1, message)
    if !schemaURL.isEmpty { encoded.appendField(3, Array(schemaURL.utf8)) }
    self.encoded = encoded
  }
}

extension [UInt8] {
  /// Appends a length-delimited field; for what is encoded once, not per record.
  package mutating func appendField(_ field: UInt8, _ value: [UInt8]) {
    append(field << 3 | 2)
    appendVarint(UInt64(value.count))
    append(contentsOf: value)
  }

  mutating func appendVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }
}
