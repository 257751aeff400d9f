// SPDX-License-Identifier: Apache-2.0
// A parsed document to option values; anything it does not know is an error.

internal import Platform

extension Layer {
  init(root: Node?, file: String) throws(ConfigError) {
    self.init()
    guard let root else { return }
    try Decoder(file: file).section(root, prefix: "", into: &self)
    liftServiceName()
  }
}

private struct Decoder {
  let file: String

  func section(_ node: Node, prefix: String, into layer: inout Layer) throws(ConfigError) {
    // A section whose lines are all commented out is null, and harmless.
    if case .scalar(let scalar) = node, scalar.isNull { return }
    guard case .mapping(let pairs, _) = node else {
      throw error(
        .unexpected(found: node.kindName, wanted: "a mapping of keys"), node.mark, prefix)
    }
    for pair in pairs {
      let path = prefix.isEmpty ? pair.key.text : "\(prefix).\(pair.key.text)"
      if let key = OptionKey(rawValue: path) {
        let value = try value(pair.value, row: OptionTable.row(key))
        layer.set(key, Entry(value, .file(file, pair.value.mark)))
      } else if OptionKey.allCases.contains(where: { $0.rawValue.hasPrefix(path + ".") }) {
        try section(pair.value, prefix: path, into: &layer)
      } else {
        throw unknown(pair.key, path: path, prefix: prefix)
      }
    }
  }

  private func unknown(_ key: Scalar, path: String, prefix: String) -> ConfigError {
    let head = prefix.isEmpty ? "" : prefix + "."
    var known: [String] = []
    for option in OptionKey.allCases where option.rawValue.hasPrefix(head) {
      let tail = option.rawValue.dropFirst(head.count)
      let word = String(tail.prefix { $0 != "." })
      if !known.contains(word) { known.append(word) }
    }
    let suggestion = NearMiss.suggestion(for: key.text, among: known)
    return error(.unknownKey(suggestion: suggestion, known: known), key.mark, shortened(path))
  }

  private func value(_ node: Node, row: OptionRow) throws(ConfigError) -> Value {
    let key = row.key.rawValue
    let wanted = row.type.wanted(.configuration)
    switch (node, row.type) {
    case (.mapping(let pairs, _), .headers): return .pairs(try self.pairs(pairs, row))
    case (.mapping(let pairs, _), .attributes): return .pairs(try self.pairs(pairs, row))
    case (.sequence(let items, let mark), .choices):
      var words: [String] = []
      for item in items {
        guard case .scalar(let scalar) = item, !scalar.isNull else {
          throw error(.unexpected(found: item.kindName, wanted: wanted), item.mark, key)
        }
        words.append(scalar.text)
      }
      return try parse(words.joined(separator: ","), row, mark)
    case (.scalar(let scalar), .headers), (.scalar(let scalar), .attributes):
      guard !scalar.isNull else { throw error(.noValue(wanted: wanted), scalar.mark, key) }
      throw error(.unexpected(found: node.kindName, wanted: wanted), scalar.mark, key)
    case (.scalar(let scalar), _):
      guard !scalar.isNull else { throw error(.noValue(wanted: wanted), scalar.mark, key) }
      if scalar.isQuoted, row.type == .boolean || row.type.isInteger {
        throw error(.quoted(shortened(scalar.text), wanted: wanted), scalar.mark, key)
      }
      return try parse(scalar.text, row, scalar.mark)
    default: throw error(.unexpected(found: node.kindName, wanted: wanted), node.mark, key)
    }
  }

  private func parse(_ text: String, _ row: OptionRow, _ mark: Mark) throws(ConfigError) -> Value {
    do throws(ValueError) {
      return try row.type.parse(text, .configuration)
    } catch {
      throw self.error(.value(error), mark, row.key.rawValue)
    }
  }

  private func pairs(_ nodes: [NodePair], _ row: OptionRow) throws(ConfigError) -> [Pair] {
    let key = row.key.rawValue
    guard nodes.count <= Limits.pairs else {
      let kind = ValueError(.badPair, "has more than \(Limits.pairs) pairs", "write fewer")
      throw error(.value(kind), nodes[Limits.pairs].key.mark, key)
    }
    var pairs: [Pair] = []
    for node in nodes {
      let path = "\(key).\(shortened(node.key.text))"
      guard case .scalar(let scalar) = node.value else {
        throw error(
          .unexpected(found: node.value.kindName, wanted: "text"), node.value.mark, path)
      }
      guard !scalar.isNull else { throw error(.noValue(wanted: "text"), scalar.mark, path) }
      let pair = Pair(node.key.text, scalar.text)
      if row.type == .headers {
        do throws(ValueError) {
          try PairList.checkHeader(pair, number: pairs.count + 1)
        } catch {
          throw self.error(.value(error), node.key.mark, key)
        }
      }
      pairs.append(pair)
    }
    return pairs
  }

  private func error(_ kind: ConfigError.Kind, _ mark: Mark, _ key: String) -> ConfigError {
    ConfigError(source: .file(file, mark), key: key, kind: kind)
  }
}

extension ValueType {
  var isInteger: Bool { if case .integer = self { true } else { false } }
}
