// SPDX-License-Identifier: Apache-2.0
// Words to flags and positionals, in getopt's manner: -mT, -p185, -p 185, --pid=185, and `--`.

internal import Config
internal import Platform

extension CommandTable {
  /// The command that the first words name, and the words after it.
  static func find(_ words: [String]) throws(UsageError) -> (spec: CommandSpec, rest: [String]) {
    let first = words.first ?? ""
    if let spec = named(first) { return (spec, Array(words.dropFirst())) }
    let nested = nested(first).map { String($0.name.dropFirst(first.count + 1)) }
    guard !nested.isEmpty else {
      let names = all.map { String($0.name.prefix { $0 != " " }) }
      throw UsageError(
        command: nil,
        kind: .unknownCommand(first, suggestion: NearMiss.suggestion(for: first, among: names)))
    }
    guard words.count > 1, !words[1].hasPrefix("-") else {
      throw UsageError(command: nil, kind: .incompleteCommand(first, choices: nested))
    }
    if let spec = named("\(first) \(words[1])") { return (spec, Array(words.dropFirst(2))) }
    let near = NearMiss.suggestion(for: words[1], among: nested)
    throw UsageError(
      command: nil,
      kind: .unknownCommand("\(first) \(words[1])", suggestion: near.map { "\(first) \($0)" }))
  }
}

struct ParsedWords {
  private let spec: CommandSpec
  private var switches: Set<String> = []
  private var arguments: [String: String] = [:]
  private(set) var optionValues: [OptionKey: Value] = [:]
  private(set) var positionals: [String] = []

  init(_ words: [String], _ spec: CommandSpec) throws(UsageError) {
    self.spec = spec
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        positionals += rest
        break
      }
      if word.hasPrefix("--") {
        try long(word, &rest)
      } else if word.hasPrefix("-"), word != "-" {
        try short(word, &rest)
      } else {
        positionals.append(word)
      }
    }
    // Whoever asks for help gets it, whatever else is missing.
    if !has("help") { try checkPositionals() }
  }

  func has(_ name: String) -> Bool { switches.contains(name) }
  func text(_ name: String) -> String? { arguments[name] }
  func integer(_ name: String) -> Int? { arguments[name].flatMap { Int($0) } }
  func integers(_ name: String) -> [Int] {
    arguments[name].map { $0.split(separator: ",").compactMap { Int($0) } } ?? []
  }
  func positional(_ index: Int) -> String? {
    positionals.indices.contains(index) ? positionals[index] : nil
  }

  private mutating func long(_ word: String, _ rest: inout ArraySlice<String>) throws(UsageError) {
    let name = word.dropFirst(2).prefix { $0 != "=" }
    let attached = word.firstIndex(of: "=").map { String(word[word.index(after: $0)...]) }
    guard let flag = spec.allFlags.first(where: { $0.long == name }) else {
      let known = spec.allFlags.map { "--\($0.long)" }
      throw error(
        .unknownOption("--\(name)", suggestion: NearMiss.suggestion(for: "--\(name)", among: known))
      )
    }
    guard let argument = flag.argument else {
      if let attached { throw error(.unexpectedArgument(option: "--\(name)", found: attached)) }
      switches.insert(flag.long)
      return
    }
    guard let value = attached ?? takeNext(&rest) else {
      throw error(
        .missingArgument(option: "--\(name)", placeholder: argument.placeholder))
    }
    try store(value, flag, argument, as: "--\(name)")
  }

  /// A cluster such as `-mT`; a letter with an argument takes the rest of the word, or the next.
  private mutating func short(_ word: String, _ rest: inout ArraySlice<String>) throws(UsageError) {
    var letters = word.dropFirst()
    while let letter = letters.popFirst() {
      let isHelp = letter == "?"
      guard
        let flag = spec.allFlags.first(where: { $0.short == letter || isHelp && $0.long == "help" })
      else { throw error(.unknownOption("-\(letter)", suggestion: nil)) }
      guard let argument = flag.argument else {
        switches.insert(flag.long)
        continue
      }
      guard let value = letters.isEmpty ? takeNext(&rest) : String(letters) else {
        throw error(.missingArgument(option: "-\(letter)", placeholder: argument.placeholder))
      }
      try store(value, flag, argument, as: "-\(letter)")
      return
    }
  }

  /// The next word, unless it is an option: `--config --listen off` forgot the file.
  private func takeNext(_ rest: inout ArraySlice<String>) -> String? {
    guard let next = rest.first, next == "-" || !next.hasPrefix("-") else { return nil }
    return rest.popFirst()
  }

  private mutating func store(
    _ value: String, _ flag: FlagSpec, _ argument: Argument, as written: String
  ) throws(UsageError) {
    guard arguments.updateValue(value, forKey: flag.long) == nil else {
      throw error(.repeatedOption(written))
    }
    try check(value, argument.type, subject: "option \(written)")
    guard case .option(let key) = argument.type else { return }
    do throws(ValueError) {
      optionValues[key] = try OptionTable.row(key).type.parse(value, .configuration)
    } catch {
      throw self.error(
        .badArgument(subject: "option \(written)", wrong: error.wrong, right: error.right))
    }
  }

  private func check(_ value: String, _ type: ArgumentType, subject: String) throws(UsageError) {
    var wrong: String?
    var right = "write text"
    switch type {
    case .integer(let range):
      right = "write a whole number from \(range.lowerBound) to \(range.upperBound)"
      if !Self.isNumber(value) {
        wrong = "\"\(value)\" is not a whole number"
      } else if !(Int(value).map { range.contains($0) } ?? false) {
        wrong = "\"\(value)\" is out of range"
      }
    case .integers(let range, let most):
      right =
        "write at most \(most) whole numbers from \(range.lowerBound) to \(range.upperBound), "
        + "with commas between them"
      let parts = value.split(separator: ",", omittingEmptySubsequences: false)
      if !parts.allSatisfy({ Self.isNumber($0) }) {
        wrong = "\"\(value)\" is no list of whole numbers"
      } else if let odd = parts.first(where: { !(Int($0).map(range.contains) ?? false) }) {
        wrong = "\(odd) is out of range"
      } else if parts.count > most {
        wrong = "there are \(parts.count) numbers"
      }
    case .word(let choices):
      right = "write \(oneOf(choices))"
      if !choices.contains(value) {
        wrong = "\"\(value)\" is not one of the choices"
        if let near = NearMiss.suggestion(for: value, among: choices) {
          right += " (did you mean \(near)?)"
        }
      }
    case .text, .file, .directory: if value.isEmpty { wrong = "is empty" }
    case .option: break
    }
    if let wrong { throw error(.badArgument(subject: subject, wrong: wrong, right: right)) }
  }

  private static func isNumber(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) }
  }

  private func checkPositionals() throws(UsageError) {
    // `help config check` names one command with two words.
    if CommandTable.takesCommand(spec) { return }
    if positionals.count > spec.positionals.count {
      let extra = positionals[spec.positionals.count]
      let isFile = spec.flags.contains { $0.long == "config" } && text("config") == nil
      throw error(isFile ? .misplacedFile(extra, option: "--config") : .unexpectedPositional(extra))
    }
    for (index, positional) in spec.positionals.enumerated() {
      if index < positionals.count {
        try check(positionals[index], positional.type, subject: positional.name)
      } else if positional.isRequired {
        throw error(.missingPositional(positional.name, right: "write \(positional.help)"))
      }
    }
  }

  func error(_ kind: UsageError.Kind) -> UsageError {
    UsageError(command: spec.name, kind: kind)
  }
}
