// SPDX-License-Identifier: Apache-2.0
// An attribute: the encoder takes its name from here, and `apus describe` the rest.

public struct AttributeRow: Sendable, Equatable {
  /// The type of the value, in the words of the semantic conventions.
  public enum Kind: String, Sendable {
    case string, int, double, boolean
    case strings = "string[]"
  }

  /// OpenTelemetry's levels; what is ours alone is in development.
  public enum Stability: String, Sendable {
    case stable
    case releaseCandidate = "release_candidate"
    case development
  }

  public let name: String
  public let kind: Kind
  /// UCUM; empty where there is none.
  public let unit: String
  public let stability: Stability
  public let meaning: String

  public init(
    _ name: String, _ kind: Kind, unit: String = "", _ stability: Stability, _ meaning: String
  ) {
    self.name = name
    self.kind = kind
    self.unit = unit
    self.stability = stability
    self.meaning = meaning
  }

  /// One in development.
  public init(_ name: String, _ kind: Kind, unit: String = "", _ meaning: String) {
    self.init(name, kind, unit: unit, .development, meaning)
  }
}

/// An attribute of some event, metric or Resource.
public struct AttributeUse: Sendable, Equatable {
  public let row: AttributeRow
  /// When it is there; empty for one that always is.
  public let condition: String

  public init(_ row: AttributeRow, when condition: String = "") {
    self.row = row
    self.condition = condition
  }

  /// OpenTelemetry's requirement level.
  public var level: String { condition.isEmpty ? "required" : "conditionally_required" }
}

extension AttributeKey {
  /// For a log record.
  public init(_ row: AttributeRow) { self.init(row.name, field: AttributesField.log) }
}
