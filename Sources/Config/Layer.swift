// SPDX-License-Identifier: Apache-2.0
// What one source says about the options, and how sources are laid over each other.

package struct Entry: Equatable, Sendable {
  package let value: Value
  package let source: Source
  /// The `${…}` in the file that it came from, which make it a secret.
  package let references: [String]

  package init(_ value: Value, _ source: Source, references: [String] = []) {
    self.value = value
    self.source = source
    self.references = references
  }
}

struct Layer {
  private(set) var entries: [OptionKey: Entry] = [:]

  static var defaults: Layer {
    var layer = Layer()
    for row in OptionTable.rows {
      if let value = row.fallback { layer.set(row.key, Entry(value, .fallback)) }
    }
    return layer
  }

  subscript(_ key: OptionKey) -> Entry? { entries[key] }

  mutating func set(_ key: OptionKey, _ entry: Entry) { entries[key] = entry }

  /// `service.name` among the attributes means the same as the option, which wins within a source.
  mutating func liftServiceName() {
    guard let entry = entries[.resourceAttributes], case .pairs(let pairs) = entry.value,
      let name = pairs.last(where: { $0.key == "service.name" })
    else { return }
    if entries[.resourceServiceName] == nil, !name.value.isEmpty {
      let references = name.isSecret ? entry.references : []
      set(.resourceServiceName, Entry(.text(name.value), entry.source, references: references))
    }
    let rest = pairs.filter { $0.key != "service.name" }
    set(.resourceAttributes, Entry(.pairs(rest), entry.source, references: entry.references))
  }

  /// Lays `upper` over this one.
  ///
  /// Resource attributes are merged by key, as the OpenTelemetry
  /// specification demands; everything else is replaced whole.
  mutating func cover(with upper: Layer) {
    for (key, entry) in upper.entries {
      if key == .resourceAttributes, case .pairs(let over) = entry.value,
        let lower = entries[key], case .pairs(let under) = lower.value
      {
        let kept = under.filter { pair in !over.contains { $0.key == pair.key } }
        let references = lower.references + entry.references
        set(key, Entry(.pairs(kept + over), entry.source, references: references))
      } else {
        set(key, entry)
      }
    }
  }
}
