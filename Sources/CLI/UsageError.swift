// SPDX-License-Identifier: Apache-2.0
// A command line that cannot be followed, in one sentence with what would be right.

package struct UsageError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Kind: Equatable, Sendable {
    case noCommand
    case unknownCommand(String, suggestion: String?)
    case incompleteCommand(String, choices: [String])
    case unknownOption(String, suggestion: String?)
    case missingArgument(option: String, placeholder: String)
    case unexpectedArgument(option: String, found: String)
    case repeatedOption(String)
    case badArgument(subject: String, wrong: String, right: String)
    case missingPositional(String, right: String)
    case unexpectedPositional(String)
    case misplacedFile(String, option: String)
    case conflict(String, String)
    case needs(String, String)
  }

  /// Nil before a command was recognised.
  package let command: String?
  package let kind: Kind

  package init(command: String?, kind: Kind) {
    self.command = command
    self.kind = kind
  }

  /// One line to print after `apus: `, followed by the hint at `--help`.
  package var description: String { printable(sentence) }

  private var sentence: String {
    switch kind {
    case .noCommand: "no command given; write one such as 'apus agent' or see 'apus help'"
    case .unknownCommand(let word, let suggestion?):
      "unknown command \(word); did you mean \(suggestion)?"
    case .unknownCommand(let word, nil): "unknown command \(word); see 'apus help'"
    case .incompleteCommand(let word, let choices):
      "\(word) needs one of its commands; write "
        + choices.map { "'apus \(word) \($0)'" }.joined(separator: " or ")
    case .unknownOption(let word, let suggestion?):
      "unknown option \(word); did you mean \(suggestion)?"
    case .unknownOption(let word, nil): "unknown option \(word); see '\(helpCommand)'"
    case .missingArgument(let option, let placeholder):
      "option \(option) needs an argument; write \(option) \(placeholder)"
    case .unexpectedArgument(let option, let found):
      "option \(option) takes no argument but has \(found); write \(option) alone"
    case .repeatedOption(let option): "option \(option) is given twice; give it once"
    case .badArgument(let subject, let wrong, let right): "\(subject): \(wrong); \(right)"
    case .missingPositional(let name, let right): "\(name) is missing; \(right)"
    case .unexpectedPositional(let word): "unexpected argument \(word); see '\(helpCommand)'"
    case .misplacedFile(let word, let option):
      "unexpected argument \(word); write \(option) \(word) if that is the configuration"
    case .conflict(let one, let other): "options \(one) and \(other) exclude each other; give one"
    case .needs(let one, let other): "\(one) needs \(other); give both or neither"
    }
  }

  package var helpCommand: String { command.map { "apus \($0) --help" } ?? "apus help" }
}
