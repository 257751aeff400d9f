// SPDX-License-Identifier: Apache-2.0
// Damaged files and variables: whatever becomes of them, there is a decision and never a crash.

@testable import Config
import Fuzzing
import Testing

/// Changes texts at random.
struct Mutator {
  private var dice: Dice
  /// Pieces that mean something to the reader, and so reach further than bytes do.
  private static let pieces = [
    ": ", "\n  ", "- ", "{ ", " }", "[", "]", "'", "\"", "#", "&a ", "*a", "!!str ", "---\n", "? ",
    "|\n", "${env:A}", "${file:/etc/hostname}", "${env:NONE:-x}", "$${", "${", "}", "~", "null",
    "%zz", ",", "=", "0", "99999999999999999999", "-1", "GiB", "\u{0}", "\u{85}", "ü", "\t", "\r\n",
  ].map { Array($0.utf8) }

  init(_ dice: Dice) { self.dice = dice }

  mutating func next(_ bound: Int) -> Int { dice.below(bound) }

  /// Some bytes of `seeds`, changed in one to four ways.
  mutating func mutated(_ seeds: [[UInt8]]) -> [UInt8] {
    var bytes = seeds[next(seeds.count)]
    for _ in 0...next(3) {
      let place = next(bytes.count + 1)
      switch next(7) {
      case 0 where !bytes.isEmpty: bytes[next(bytes.count)] = UInt8(next(256))
      case 1: bytes.insert(contentsOf: Self.pieces[next(Self.pieces.count)], at: place)
      case 2: bytes.removeLast(bytes.count - place)
      case 3: bytes.removeSubrange(place..<min(bytes.count, place + 1 + next(8)))
      case 4:
        // Lines of one text between those of another, which keeps much of the form.
        let other = seeds[next(seeds.count)]
        let from = next(other.count + 1)
        bytes.insert(contentsOf: other[from..<min(other.count, from + next(60))], at: place)
      case 5:
        let piece = bytes[place..<min(bytes.count, place + next(30))]
        bytes.insert(contentsOf: piece, at: place)
      default:
        if place < bytes.count { bytes[place] ^= 1 << UInt8(next(8)) }
      }
    }
    return bytes
  }
}

@Suite("damaged configurations")
struct FuzzTests {
  private static func environment(_ name: String) -> String? {
    name == "A" ? "hunter2: [" : nil
  }

  /// The reference file in pieces, since most of it is read alike, and the table of wrong ones.
  private static let files: (right: [[UInt8]], wrong: [[UInt8]]) = {
    let whole = (try? repositoryFile("deploy", "apus.yaml")) ?? ""
    let sections = whole.split(separator: "\n\n").map { section in
      // Keys that are written as comments are keys here.
      section.split(separator: "\n").map { line in
        let words = line.drop { $0 == " " }
        guard words.first == "#", words.dropFirst().first?.isLowercase == true else {
          return words.first == "#" ? "" : String(line)
        }
        return String(line.prefix { $0 == " " }) + words.dropFirst()
      }.joined(separator: "\n")
    }
    let wrong = WrongCase.table("wrong-files.txt").map { $0.lines.joined(separator: "\n") }
    return (sections.map { Array($0.utf8) }, wrong.map { Array($0.utf8) })
  }()

  @Test("twenty thousand damaged files are each accepted, or refused with a place")
  func damagedFiles() {
    #expect(Self.files.right.count > 10 && Self.files.wrong.count >= 60)
    Fuzzing.run("damaged files") { dice in damageFiles(&dice) }
  }

  private func damageFiles(_ dice: inout Dice) {
    var mutator = Mutator(Dice(seed: dice.next()))
    var refused = 0
    for _ in 0..<20_000 {
      let isRight = mutator.next(3) > 0
      let bytes = mutator.mutated(isRight ? Self.files.right : Self.files.wrong)
      let reading = ConfigReading(yaml: bytes, fileName: "f", environment: Self.environment)
      #expect((reading.settings == nil) == !reading.problems.isEmpty)
      refused += reading.settings == nil ? 1 : 0
      for error in reading.problems.errors {
        let message = error.description
        guard case .file(_, let mark) = error.source, mark.line > 0, mark.column > 0,
          message.hasPrefix("f:\(mark.line):\(mark.column): "), message.contains("; "),
          message.utf8.count < 1000
        else {
          Issue.record("\(message)")
          continue
        }
        // The secret is never told, though a file may have come to hold the word itself.
        if message.contains("hunter2: [") { Issue.record("\(message)") }
      }
    }
    // Both ways are taken often, or this says little.
    #expect(refused > 5000 && refused < 19_000, "\(refused)")
  }

  @Test("ten thousand damaged environments are each accepted, with warnings that name a variable")
  func damagedVariables() {
    Fuzzing.run("damaged variables") { dice in damageVariables(&dice) }
  }

  private func damageVariables(_ dice: inout Dice) {
    let rows = WrongCase.table("wrong-variables.txt").map { WrongCase.variables($0.lines) }
    let values = rows.flatMap(\.values).map { Array($0.utf8) }
    let names = ForeignVariables.known
    var mutator = Mutator(Dice(seed: dice.next()))
    var warned = 0
    for _ in 0..<10_000 {
      var env: [String: String] = [:]
      for _ in 0...mutator.next(3) {
        let text = mutator.mutated(values).filter { $0 != 0 }
        env[names[mutator.next(names.count)]] = String(decoding: text, as: UTF8.self)
      }
      let reading = ConfigReading(
        yaml: nil, fileName: "", environment: { env[$0] }, variables: Array(env.keys))
      #expect(reading.problems.isEmpty && reading.settings != nil, "\(env)")
      warned += reading.warnings.isEmpty ? 0 : 1
      for warning in reading.warnings {
        guard case .environment(let name) = warning.source, env[name] != nil else {
          Issue.record("\(warning) of \(env)")
          continue
        }
      }
    }
    #expect(warned > 2000, "\(warned)")
  }
}
