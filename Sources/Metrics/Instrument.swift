// SPDX-License-Identifier: Apache-2.0
// What is measured: fixed when the agent is built, so registered once and never per series.

public enum InstrumentKind: Sendable, Equatable {
  /// Only grows.
  case counter
  /// A sum that goes both ways.
  case upDownCounter
  case gauge
  /// Base-2 exponential, of durations.
  case histogram
}

/// One metric: its names are OpenTelemetry's, its unit is UCUM.
public struct InstrumentDescriptor: Sendable, Equatable {
  public let name: String
  public let unit: String
  public let help: String
  public let kind: InstrumentKind
  public let attributeKeys: [String]

  public init(
    name: String, unit: String, help: String, kind: InstrumentKind, attributeKeys: [String] = []
  ) {
    self.name = name
    self.unit = unit
    self.help = help
    self.kind = kind
    self.attributeKeys = attributeKeys
  }
}

public struct InstrumentID: Sendable, Hashable {
  let index: Int
}

/// Names one series for as long as it lives; afterwards it names nothing.
public struct SeriesID: Sendable, Hashable {
  // Halves the size, of which there is one for each series in several tables.
  private let instrumentIndex: UInt32
  private let slotIndex: UInt32
  let generation: UInt32

  init(instrument: Int, slot: Int, generation: UInt32) {
    instrumentIndex = UInt32(instrument)
    slotIndex = UInt32(slot)
    self.generation = generation
  }

  var instrument: Int { Int(instrumentIndex) }
  var slot: Int { Int(slotIndex) }
}
