// SPDX-License-Identifier: Apache-2.0
// A parsed document to option values; anything it does not know is an error.

internal import Platform

extension Layer {
  init(root: Node?, file: String, environment: @escaping Environment, problems: inout Problems) {
    self.init()
    guard let root else { return }
    var decoder = Decoder(
      file: file, references: References(environment: environment), problems: problems)
    decoder.section(root, prefix: "", into: &self)
    problems = decoder.problems
    liftServiceName()
  }
}

/// Goes on after an error, with what is beside it: a file is mended faster in one go.
private struct Decoder {
  let file: String
  var references: References
  var problems: Problems
  /// Those of the value that is being read.
  private var met: [String] = []

  init(file: String, references: References, problems: Problems) {
    self.file = file
    self.references = references
    self.problems = problems
  }

  mutating func section(_ node: Node, prefix: String, into layer: inout Layer) {
    // A section whose lines are all commented out is null, and harmless.
    if case .scalar(let scalar) = node, scalar.isNull { return }
    guard case .mapping(let pairs, _) = node else {
      return wrong(node, "a mapping of keys", prefix)
    }
    for pair in pairs {
      let path = prefix.isEmpty ? pair.key.text : "\(prefix).\(pair.key.text)"
      let isDotted = pair.key.text.contains(".")
      if !isDotted, let key = OptionKey(rawValue: path) {
        met = []
        guard let value = value(pair.value, row: OptionTable.row(key)) else { continue }
        layer.set(key, Entry(value, .file(file, pair.value.mark), references: met))
      } else if isDotted, OptionKey.allCases.contains(where: { $0.rawValue.hasPrefix(path) }) {
        note(.dottedKey, pair.key.mark, shortened(path))
      } else if OptionKey.allCases.contains(where: { $0.rawValue.hasPrefix(path + ".") }) {
        section(pair.value, prefix: path, into: &layer)
      } else {
        unknown(pair.key, path: path, prefix: prefix)
      }
    }
  }

  private mutating func unknown(_ key: Scalar, path: String, prefix: String) {
    let head = prefix.isEmpty ? "" : prefix + "."
    var known: [String] = []
    for option in OptionKey.allCases where option.rawValue.hasPrefix(head) {
      let tail = option.rawValue.dropFirst(head.count)
      let word = String(tail.prefix { $0 != "." })
      if !known.contains(word) { known.append(word) }
    }
    let suggestion = NearMiss.suggestion(for: key.text, among: known)
    note(.unknownKey(suggestion: suggestion, known: known), key.mark, shownKey(path))
  }

  private mutating func value(_ node: Node, row: OptionRow) -> Value? {
    let key = row.key.rawValue
    let wanted = row.type.wanted(.configuration)
    switch (node, row.type) {
    case (.mapping(let pairs, _), .headers), (.mapping(let pairs, _), .attributes):
      return self.pairs(pairs, row)
    case (.sequence(let items, let mark), .choices):
      var words: [String] = []
      for item in items {
        guard case .scalar(let scalar) = item, !scalar.isNull else {
          wrong(item, wanted, key)
          return nil
        }
        guard let word = resolved(scalar, key) else { return nil }
        words.append(word.text)
      }
      return parse(words.joined(separator: ","), row, mark)
    case (.scalar(let scalar), _):
      guard !scalar.isNull else {
        note(.noValue(wanted: wanted), scalar.mark, key)
        return nil
      }
      guard row.type != .headers, row.type != .attributes else { break }
      if scalar.isQuoted, row.type == .boolean || row.type.isInteger {
        note(.quoted(shortened(scalar.text), wanted: wanted), scalar.mark, key)
        return nil
      }
      return resolved(scalar, key).flatMap { parse($0.text, row, scalar.mark) }
    default: break
    }
    wrong(node, wanted, key)
    return nil
  }

  /// The scalar's text with its references followed.
  private mutating func resolved(_ scalar: Scalar, _ key: String) -> References.Resolved? {
    do throws(References.Failure) {
      let resolved = try references.resolve(scalar.text)
      for reference in resolved.references where !met.contains(reference) { met.append(reference) }
      return resolved
    } catch {
      note(.reference(wrong: error.wrong, right: error.right), scalar.mark, key)
      return nil
    }
  }

  private mutating func parse(_ text: String, _ row: OptionRow, _ mark: Mark) -> Value? {
    do throws(ValueError) {
      return try row.type.parse(text, .configuration)
    } catch {
      let wanted = row.type.wanted(.configuration)
      let hidden = met.isEmpty ? error : error.hiding(met, wanted: wanted)
      note(.value(hidden), mark, row.key.rawValue)
      return nil
    }
  }

  private mutating func pairs(_ nodes: [NodePair], _ row: OptionRow) -> Value? {
    let key = row.key.rawValue
    guard nodes.count <= Limits.pairs else {
      let kind = ValueError(.badPair, "has more than \(Limits.pairs) pairs", "write fewer")
      note(.value(kind), nodes[Limits.pairs].key.mark, key)
      return nil
    }
    var pairs: [Pair] = []
    for (index, node) in nodes.enumerated() {
      let path = "\(key).\(shortened(node.key.text))"
      guard case .scalar(let scalar) = node.value else {
        wrong(node.value, "text", path)
        continue
      }
      guard !scalar.isNull else {
        note(.noValue(wanted: "text"), scalar.mark, path)
        continue
      }
      guard let value = resolved(scalar, path) else { continue }
      let namesFile = value.references.contains { $0.hasPrefix("${file:") }
      let pair = Pair(
        node.key.text, value.text, isSecret: !value.references.isEmpty,
        template: namesFile ? scalar.text : nil)
      if row.type == .headers {
        do throws(ValueError) {
          try PairList.checkHeader(pair, number: index + 1, after: pairs)
        } catch {
          note(.value(error), node.key.mark, key)
        }
      }
      pairs.append(pair)
    }
    return .pairs(pairs)
  }

  /// What the reader refused already is not refused again.
  private mutating func wrong(_ node: Node, _ wanted: String, _ key: String) {
    if case .refused = node { return }
    note(.unexpected(found: node.kindName, wanted: wanted), node.mark, key)
  }

  private mutating func note(_ kind: ConfigError.Kind, _ mark: Mark, _ key: String) {
    problems.note(ConfigError(source: .file(file, mark), key: key, kind: kind))
  }
}

extension ValueType {
  var isInteger: Bool { if case .integer = self { true } else { false } }
}
