// SPDX-License-Identifier: Apache-2.0
// What a subcommand accepts, as data: parsing, help and completions are all made from it.

package import Config

package enum ArgumentType: Equatable, Sendable {
  case integer(ClosedRange<Int>)
  /// With commas between them.
  case integers(ClosedRange<Int>, most: Int)
  case word(choices: [String])
  case text
  case file
  case directory
  /// Checked by the configuration's own table.
  case option(OptionKey)
}

package struct Argument: Equatable, Sendable {
  package let placeholder: String
  package let type: ArgumentType
}

package struct FlagSpec: Equatable, Sendable {
  package let long: String
  package let short: Character?
  /// Nil for a switch.
  package let argument: Argument?
  package let help: String

  init(_ long: String, _ short: Character? = nil, _ argument: Argument? = nil, _ help: String) {
    self.long = long
    self.short = short
    self.argument = argument
    self.help = help
  }
}

package struct PositionalSpec: Equatable, Sendable {
  package let name: String
  package let type: ArgumentType
  package let isRequired: Bool
  package let help: String
}

package struct Example: Equatable, Sendable {
  package let command: String
  package let meaning: String
}

package struct CommandSpec: Equatable, Sendable {
  /// As typed after `apus`, with a space in `config check`.
  package let name: String
  package let summary: String
  package let paragraph: String
  /// A second paragraph: where a tool differs from its model.
  package var note: String?
  package var positionals: [PositionalSpec] = []
  package var flags: [FlagSpec] = []
  package let examples: [Example]
  package let exitCodes: [ExitCode]
  /// Man pages of others, such as `runqlat(8)`.
  package var models: [String] = []

  /// Every command has this one.
  package static let help = FlagSpec("help", "h", nil, "Print this help")
  package var allFlags: [FlagSpec] { flags + [Self.help] }
}
