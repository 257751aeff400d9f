// SPDX-License-Identifier: Apache-2.0
// `apus config check` and `apus config print`, and how all commands say what is wrong with one.

internal import CLI
internal import Config

/// The settings that the agent would have; all that is wrong is said before it throws.
func loadSettings(_ options: AgentOptions) throws(Failure) -> Settings {
  let reading = read(options)
  if let settings = reading.settings { return settings }
  throw refuse(reading.problems)
}

/// What the agent would read.
func read(_ options: AgentOptions) -> ConfigReading {
  ConfigReading(
    file: options.configPath, environment: processEnvironment, variables: processVariables(),
    flags: options.flags)
}

/// Says each error on a line of its own; the last is left to whoever ends the command.
private func refuse(_ problems: Problems) -> Failure {
  var messages = problems.errors.map { "\($0)" }
  if problems.omitted > 0 { messages.append("and \(problems.omitted) more errors") }
  for message in messages.dropLast() { complain(message) }
  return Failure(code: .configuration, message: messages.last ?? "the configuration is wrong")
}

func checkConfig(_ options: AgentOptions) throws(Failure) {
  let reading = read(options)
  if options.json {
    for warning in reading.warnings { Output.line(json(warning).finished()) }
    for note in reading.settings?.notes ?? [] {
      var object = JSONLine()
      object.add("severity", "note")
      object.add("message", note)
      Output.line(object.finished())
    }
    for error in reading.problems.errors { Output.line(json(error).finished()) }
    var end = JSONLine()
    end.add("result", reading.settings == nil ? "refused" : "ok")
    end.add("errors", reading.problems.errors.count + reading.problems.omitted)
    end.add("warnings", reading.warnings.count)
    Output.line(end.finished())
  } else {
    for warning in reading.warnings { Output.line("warning: \(printable("\(warning)"))") }
    for note in reading.settings?.notes ?? [] { Output.line("note: \(printable(note))") }
  }
  guard reading.settings != nil else {
    Output.flush()
    throw refuse(reading.problems)
  }
  if options.json { return }
  let count = reading.warnings.count
  Output.line(count == 0 ? "ok" : "ok, with \(count) warning\(count == 1 ? "" : "s")")
}

func printConfig(_ options: AgentOptions) throws(Failure) {
  let settings = try loadSettings(options)
  guard options.json else { return Output.text(settings.printed()) }
  for (row, entry) in settings.effective {
    var object = JSONLine()
    object.add("key", row.key.rawValue)
    if let entry { object.add("value", entry, of: row) } else { object.addNull("value") }
    object.add("secret", entry?.isSecret(row) ?? false)
    object.add("source", entry?.origin ?? "not set")
    Output.line(object.finished())
  }
}

private func json(_ error: ConfigError) -> JSONLine {
  var object = JSONLine()
  object.add("severity", "error")
  object.add(error)
  object.add("message", "\(error)")
  return object
}

private func json(_ warning: ConfigWarning) -> JSONLine {
  var object = JSONLine()
  object.add("severity", "warning")
  object.add(warning)
  object.add("message", "\(warning)")
  return object
}

extension JSONLine {
  /// Where it is, what is wrong, and what would be right.
  mutating func add(_ error: ConfigError) {
    if case .file(let name, let mark) = error.source {
      add("file", name)
      add("line", mark.line)
      add("column", mark.column)
    } else {
      add("source", "\(error.source)")
    }
    if !error.key.isEmpty { add("key", error.key) }
    let (wrong, right) = error.sentence
    add("wrong", wrong)
    add("right", right)
  }

  mutating func add(_ warning: ConfigWarning) {
    add("source", "\(warning.source)")
    add("wrong", warning.wrong)
    add("right", warning.right)
    add("used", warning.used)
  }

  /// Numbers and words as JSON has them; sizes and durations as the file does.
  fileprivate mutating func add(_ key: String, _ entry: Entry, of row: OptionRow) {
    if entry.isHidden { return add(key, "***") }
    switch entry.value {
    case .boolean(let value): add(key, value)
    case .integer(let value): add(key, value)
    case .choices(let words): add(key, words)
    case .listen(nil): add(key, "off")
    case .pairs(let pairs):
      var object = JSONLine()
      for pair in pairs {
        let isHidden = pair.isSecret || row.type == .headers
        object.add(pair.key, isHidden ? "***" : pair.value)
      }
      add(key, object)
    case .secret: add(key, "***")
    case .bytes, .milliseconds, .choice, .text, .listen, .endpoint, .proxy:
      add(key, entry.value.plain)
    }
  }
}
