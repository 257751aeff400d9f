// SPDX-License-Identifier: Apache-2.0
// One YAML document to a Node, over libyaml's event interface. Owned by the caller's thread.

internal import CYAML

private enum Event {
  case streamStart
  case streamEnd
  case documentStart(Mark)
  case documentEnd
  case scalar(Scalar)
  case alias(Mark)
  case sequenceStart(Mark)
  case sequenceEnd
  case mappingStart(Mark)
  case mappingEnd
}

package enum YAML {
  /// The document in `bytes`, nil when there is none or it cannot be read to its end.
  ///
  /// `file` only names it in errors.
  static func parse(_ bytes: [UInt8], file: String, problems: inout Problems) -> Node? {
    guard bytes.count <= Limits.fileBytes else {
      problems.note(
        ConfigError(source: .file(file, Mark(line: 1, column: 1)), key: "", kind: .tooLarge))
      return nil
    }
    var reader = Reader(bytes, file: file, problems)
    defer { problems = reader.problems }
    do throws(ConfigError) { return try reader.document() } catch {
      reader.problems.note(error)
      return nil
    }
  }
}

/// Owns the parser; nothing unsafe leaves it.
@safe
private struct Reader: ~Copyable {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  // libyaml keeps a pointer into the text until the parser is deleted, so the text lives here.
  private let text: UnsafeMutableBufferPointer<UInt8>
  private let file: String
  /// The dotted key of what is being read, for errors.
  private var path: [String] = []
  /// What does not keep the rest from being read.
  var problems: Problems

  init(_ bytes: [UInt8], file: String, _ problems: Problems) {
    self.file = file
    self.problems = problems
    unsafe text = .allocate(capacity: bytes.count)
    _ = unsafe text.initialize(from: bytes)
    unsafe parser = .allocate(capacity: 1)
    // It fails only for want of memory, and then nothing that follows could work either.
    precondition(unsafe yaml_parser_initialize(parser) == 1, "no memory for the YAML parser")
    unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    unsafe yaml_parser_set_input_string(parser, text.baseAddress, text.count)
  }

  deinit {
    unsafe yaml_parser_delete(parser)
    unsafe parser.deallocate()
    unsafe text.deallocate()
  }

  mutating func document() throws(ConfigError) -> Node? {
    var root: Node?
    while true {
      switch try next() {
      case .streamEnd: return root
      case .documentStart(let mark):
        guard root == nil else { throw error(.severalDocuments, mark) }
        root = try node(from: try next(), depth: 0)
      default: break
      }
    }
  }

  private mutating func node(from event: Event, depth: Int) throws(ConfigError) -> Node? {
    switch event {
    case .scalar(let scalar): return .scalar(scalar)
    case .alias(let mark):
      problems.note(error(.alias, mark))
      return .refused(mark)
    case .sequenceStart(let mark):
      guard depth < Limits.depth else { throw error(.tooDeep, mark) }
      var items: [Node] = []
      while let item = try node(from: try next(), depth: depth + 1) { items.append(item) }
      return .sequence(items, mark)
    case .mappingStart(let mark):
      guard depth < Limits.depth else { throw error(.tooDeep, mark) }
      return .mapping(try pairs(depth: depth + 1), mark)
    default: return nil
    }
  }

  private mutating func pairs(depth: Int) throws(ConfigError) -> [NodePair] {
    var pairs: [NodePair] = []
    while let first = try node(from: try next(), depth: depth) {
      guard case .scalar(let key) = first, !key.text.isEmpty else {
        problems.note(error(.keyIsNotText, first.mark))
        _ = try node(from: try next(), depth: depth)
        continue
      }
      path.append(shortened(key.text))
      let earlier = pairs.first { $0.key.text == key.text }
      if let earlier { problems.note(error(.duplicateKey(first: earlier.key.mark), key.mark)) }
      guard let value = try node(from: try next(), depth: depth) else { break }
      path.removeLast()
      if earlier == nil { pairs.append(NodePair(key: key, value: value)) }
    }
    return pairs
  }

  private mutating func next() throws(ConfigError) -> Event {
    var event = unsafe yaml_event_t()
    guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
    defer { unsafe yaml_event_delete(&event) }
    let mark = unsafe Mark(event.start_mark)
    switch unsafe event.type {
    case YAML_STREAM_END_EVENT: return .streamEnd
    case YAML_DOCUMENT_START_EVENT: return .documentStart(mark)
    case YAML_DOCUMENT_END_EVENT: return .documentEnd
    case YAML_ALIAS_EVENT: return .alias(mark)
    case YAML_SCALAR_EVENT:
      let scalar = unsafe event.data.scalar
      unsafe refuse(anchor: scalar.anchor, tag: scalar.tag, at: mark)
      let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      return .scalar(
        Scalar(
          text: unsafe String(decoding: bytes, as: UTF8.self),
          isQuoted: unsafe scalar.style != YAML_PLAIN_SCALAR_STYLE, mark: mark))
    case YAML_SEQUENCE_START_EVENT:
      let start = unsafe event.data.sequence_start
      unsafe refuse(anchor: start.anchor, tag: start.tag, at: mark)
      return .sequenceStart(mark)
    case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
    case YAML_MAPPING_START_EVENT:
      let start = unsafe event.data.mapping_start
      unsafe refuse(anchor: start.anchor, tag: start.tag, at: mark)
      return .mappingStart(mark)
    case YAML_MAPPING_END_EVENT: return .mappingEnd
    default: return .streamStart
    }
  }

  private mutating func refuse(
    anchor: UnsafeMutablePointer<UInt8>?, tag: UnsafeMutablePointer<UInt8>?, at mark: Mark
  ) {
    if unsafe anchor != nil { problems.note(error(.anchor, mark)) }
    if unsafe tag != nil { problems.note(error(.tag, mark)) }
  }

  private func syntaxError() -> ConfigError {
    let failed = unsafe parser.pointee
    let problem = unsafe failed.problem.map { unsafe String(cString: $0) } ?? "unknown fault"
    // The decoder of libyaml fails before positions exist and gives a byte offset instead.
    let mark =
      unsafe failed.error == YAML_READER_ERROR
      ? position(ofByte: unsafe failed.problem_offset) : unsafe Mark(failed.problem_mark)
    return error(.malformed(problem), mark)
  }

  private func position(ofByte offset: Int) -> Mark {
    var line = 1
    var column = 1
    for index in 0..<min(offset, unsafe text.count) {
      if unsafe text[index] == UInt8(ascii: "\n") {
        line += 1
        column = 1
      } else {
        column += 1
      }
    }
    return Mark(line: line, column: column)
  }

  private func error(_ kind: ConfigError.Kind, _ mark: Mark) -> ConfigError {
    ConfigError(source: .file(file, mark), key: path.joined(separator: "."), kind: kind)
  }
}

extension Mark {
  fileprivate init(_ mark: yaml_mark_t) {
    self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
  }
}
