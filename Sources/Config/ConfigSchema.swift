// SPDX-License-Identifier: Apache-2.0
// `apus config schema`: the option table as JSON Schema, so that editors know what the agent does.

package enum ConfigSchema {
  package static var text: String {
    var root: [(String, JSONTree)] = [
      ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
      ("title", .string("Configuration of apus agent")),
    ]
    root += section("", OptionTable.rows)
    root.append(("$defs", .object([("reference", reference)])))
    return JSONTree.object(root).text
  }

  /// The keys that begin with `prefix`, in the table's order; those of deeper sections nested.
  private static func section(_ prefix: String, _ rows: [OptionRow]) -> [(String, JSONTree)] {
    var names: [String] = []
    for row in rows {
      let name = String(row.key.rawValue.dropFirst(prefix.count).prefix { $0 != "." })
      if !names.contains(name) { names.append(name) }
    }
    let properties = names.map { name -> (String, JSONTree) in
      let path = prefix + name
      if let key = OptionKey(rawValue: path) { return (name, property(OptionTable.row(key))) }
      let inner = rows.filter { $0.key.rawValue.hasPrefix(path + ".") }
      return (name, .object(section(path + ".", inner)))
    }
    return [
      // A section whose lines are all commented out is null.
      ("type", prefix.isEmpty ? .string("object") : .words(["object", "null"])),
      ("additionalProperties", .boolean(false)), ("properties", .object(properties)),
    ]
  }

  /// Text that holds a reference is checked when it is followed, and not before.
  private static let reference = JSONTree.object([
    ("type", .string("string")), ("pattern", .string(#"(^|[^$])\$\{(env|file):"#)),
    ("description", .string("A value with ${env:NAME}, ${env:NAME:-DEFAULT} or ${file:PATH}")),
  ])

  private static func property(_ row: OptionRow) -> JSONTree {
    var description = row.summary
    let names = [row.environment, row.generalEnvironment].compactMap(\.self)
    if !names.isEmpty { description += ". Variable \(names.joined(separator: " or "))" }
    if let flag = row.flag { description += ". Flag --\(flag.name)" }
    var members: [(String, JSONTree)] = [("description", .string(description))]
    switch row.type {
    case .headers, .attributes: members += schema(row.type)
    default:
      let ref = JSONTree.object([("$ref", .string("#/$defs/reference"))])
      members.append(("anyOf", .array([.object(schema(row.type)), ref])))
    }
    if let fallback = row.fallback { members.append(("default", json(fallback))) }
    return .object(members)
  }

  private static func schema(_ type: ValueType) -> [(String, JSONTree)] {
    switch type {
    case .boolean: return [("type", .string("boolean"))]
    case .integer(let range, _):
      return [
        ("type", .string("integer")), ("minimum", .integer(range.lowerBound)),
        ("maximum", .integer(range.upperBound)),
      ]
    case .bytes(let range, let powerOfTwo):
      return string(
        matching: NumberPattern.text(range, units: SizeText.units, powersOfTwo: powerOfTwo))
    case .milliseconds(let range):
      return string(matching: NumberPattern.text(range, units: DurationText.units))
    case .choice(let words):
      // Unquoted digits are a number to an editor, and text to us.
      let numbers = words.compactMap { Int($0) }.map { JSONTree.integer($0) }
      return [("enum", .array(words.map { .string($0) } + numbers))]
    case .choices(let words, let alone): return choices(words, alone: alone)
    case .path, .file, .text:
      return [("type", .words(["string", "number", "boolean"])), ("minLength", .integer(1))]
    case .secret: return string(matching: "^[!-~]+$")
    case .headers:
      let reserved = PairList.reserved.map(inAnyCase).joined(separator: "|")
      let names = JSONTree.object([
        ("pattern", .string("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")),
        ("not", .object([("pattern", .string("^(\(reserved))$"))])),
      ])
      return mapping(pattern: #"^[^\x00-\x08\x0A-\x1F\x7F]*$"#) + [("propertyNames", names)]
    case .attributes: return mapping(pattern: nil)
    case .listen:
      let byte = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
      let host = #"((\#(byte)\.){3}\#(byte)|\[[0-9A-Fa-f:.]+\])"#
      return string(matching: "^(off|\(host):\(NumberPattern.text(0...65_535)))$")
    case .endpoint:
      let url = "([Hh][Tt][Tt][Pp][Ss]?://)?\(place)([/?][^ #@]*)?"
      return string(matching: "^(\(url)|[Uu][Nn][Ii][Xx]:(//)?/[^ #@/][^ #@]{0,105})$")
    case .proxy:
      let scheme = "([Hh][Tt][Tt][Pp][Ss]?|[Ss][Oo][Cc][Kk][Ss]5[Hh]?)"
      return string(matching: "^(off|\(scheme)://([^ /?#@]*@)?\(place)/?)$")
    }
  }

  /// `[Tt][Ee]` for `te`: schemas have no flag for it.
  private static func inAnyCase(_ word: String) -> String {
    word.map { $0.isLetter ? "[\($0.uppercased())\($0)]" : String($0) }.joined()
  }

  /// HOST or HOST:PORT.
  private static let place =
    #"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"# + "(:\(NumberPattern.text(1...65_535)))?"

  private static func string(matching pattern: String) -> [(String, JSONTree)] {
    [("type", .string("string")), ("pattern", .string(pattern))]
  }

  /// One word, several with commas, or several in a list.
  private static func choices(_ words: [String], alone: [String]) -> [(String, JSONTree)] {
    let one = words.joined(separator: "|")
    let lonely = alone.map { "|\($0)" }.joined()
    let list = JSONTree.object([
      ("type", .string("array")), ("minItems", .integer(1)),
      ("items", .object([("enum", .words(words))])),
    ])
    let single = alone.map { word in
      JSONTree.object([
        ("type", .string("array")), ("minItems", .integer(1)),
        ("items", .object([("const", .string(word))])),
      ])
    }
    let text = JSONTree.object(
      string(
        matching: "^(\(one))(, *(\(one)))*$\(lonely.isEmpty ? "" : "|^(\(lonely.dropFirst()))$")"))
    return [("anyOf", .array([.object([("enum", .words(words + alone))]), text, list] + single))]
  }

  private static func mapping(pattern: String?) -> [(String, JSONTree)] {
    var value: [(String, JSONTree)] = [("type", .words(["string", "number", "boolean"]))]
    if let pattern { value.append(("pattern", .string(pattern))) }
    return [
      ("type", .string("object")), ("maxProperties", .integer(Limits.pairs)),
      ("additionalProperties", .object(value)),
    ]
  }

  private static func json(_ value: Value) -> JSONTree {
    switch value {
    case .boolean(let value): .boolean(value)
    case .integer(let value): .integer(value)
    case .choices(let words): .words(words)
    case .pairs(let pairs): .object(pairs.map { ($0.key, .string($0.value)) })
    case .listen(nil): .string("off")
    default: .string(value.plain)
    }
  }
}
