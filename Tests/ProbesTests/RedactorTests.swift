// SPDX-License-Identifier: Apache-2.0
// What may be shown of a command, argument by argument: exact results, state and bounds.

import Fuzzing
import Testing

@testable import Probes

/// The arguments of one command as they may be shown.
func redacted(_ arguments: [[UInt8]]) -> [[UInt8]] {
  var redactor = ArgumentRedactor(argumentMax: 8192)
  redactor.begin()
  return arguments.map { argument in
    argument.withUnsafeBytes { Array(redactor.visible($0)) }
  }
}

func redacted(_ arguments: [String]) -> [String] {
  redacted(arguments.map { Array($0.utf8) }).map { String(decoding: $0, as: UTF8.self) }
}

@Suite("redaction of arguments")
struct RedactorTests {
  @Test("what holds a secret is masked, and nothing else of it", arguments: RedactorTable.single)
  func single(argument: String, expected: String) {
    #expect(redacted([argument]) == [expected])
  }

  @Test("an option with its value in the next argument", arguments: RedactorTable.commands)
  func commands(arguments: [String], expected: [String]) {
    #expect(redacted(arguments) == expected)
  }

  @Test("the table has at least eighty rows, none twice")
  func rows() {
    let rows =
      RedactorTable.single.map(\.argument) + RedactorTable.commands.map { "\($0.arguments)" }
    #expect(rows.count >= 80)
    #expect(Set(rows).count == rows.count)
  }

  @Test("a command's last option says nothing about the next command's first argument")
  func begin() {
    var redactor = ArgumentRedactor(argumentMax: 64)
    for _ in 0..<3 {
      redactor.begin()
      for argument in ["ls", "--password"] {
        let shown = Array(argument.utf8).withUnsafeBytes { Array(redactor.visible($0)) }
        #expect(shown == Array(argument.utf8))
      }
    }
  }

  @Test("bytes that are not UTF-8 go through unchanged around a mask")
  func invalid() {
    #expect(redacted([[0xff, 0xfe, 0x80]]) == [[0xff, 0xfe, 0x80]])
    #expect(
      redacted([Array("--token=".utf8) + [0xff, 0xc0]]) == [Array("--token=*****".utf8)])
    #expect(
      redacted([[0xff, 0x20] + Array("pwd=x ".utf8) + [0xc3]])
        == [[0xff, 0x20] + Array("pwd=***** ".utf8) + [0xc3]])
  }

  @Test("the longest argument is masked whole, and one full of the shortest secrets as well")
  func longest() {
    let long = [UInt8](repeating: 0x78, count: 8192 - 11)
    #expect(redacted([Array("--password=".utf8) + long]) == [Array("--password=*****".utf8)])
    #expect(redacted([Array("--plainword=".utf8) + long]) == [Array("--plainword=".utf8) + long])
    let dense = (0..<1365).flatMap { _ in Array(" key=a".utf8) }
    let masked = (0..<1365).flatMap { _ in Array(" key=*****".utf8) }
    #expect(dense.count == 8190)
    #expect(redacted([dense]) == [masked])
    let links = (0..<1365).flatMap { _ in Array("://:a@".utf8) }
    let hidden = (0..<1365).flatMap { _ in Array("://:*****@".utf8) }
    #expect(redacted([links]) == [hidden])
  }

  @Test("a hundred thousand arguments of random bytes: a mask, or exactly the argument")
  func fuzz() {
    Fuzzing.run("arguments") { dice in redactRandom(&dice) }
  }

  private func redactRandom(_ dice: inout Dice) {
    let words = [
      "--password", "key", "token", "=", ":", "://", "@", "\"", "'", "\\", " ", "-u", "http",
      "Authorization", "&", "{", "pwd", "-", ";", "\u{0}", "é", "a", "0",
    ].map { Array($0.utf8) }
    let mask = Array("*****".utf8)
    var redactor = ArgumentRedactor(argumentMax: 8192)
    var (masked, faults) = (0, 0)
    for round in 0..<100_000 {
      if round % 5 == 0 { redactor.begin() }
      var argument: [UInt8] = []
      for _ in 0..<Int.random(in: 0..<20, using: &dice) {
        if Bool.random(using: &dice) {
          argument += words[Int.random(in: 0..<words.count, using: &dice)]
        } else {
          argument.append(UInt8.random(in: 0...255, using: &dice))
        }
      }
      let shown = argument.withUnsafeBytes { Array(redactor.visible($0)) }
      if shown.count > 3 * argument.count + 16 { faults += 1 }
      if shown == argument { continue }
      masked += 1
      if !contains(shown, mask) || !isMasked(shown, of: argument, by: mask) { faults += 1 }
    }
    #expect(faults == 0)
    #expect(masked > 1000 && masked < 99_000)
  }

  private func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
    guard text.count >= part.count else { return false }
    return (0...text.count - part.count).contains { text[$0..<$0 + part.count].elementsEqual(part) }
  }

  /// What stands before the first mask and after the last is the argument's own.
  private func isMasked(_ shown: [UInt8], of argument: [UInt8], by mask: [UInt8]) -> Bool {
    let places = (0...shown.count - mask.count).filter {
      shown[$0..<$0 + mask.count].elementsEqual(mask)
    }
    guard let first = places.first, let last = places.last else { return false }
    return argument.starts(with: shown[..<first])
      && argument.suffix(shown.count - last - mask.count).elementsEqual(
        shown[(last + mask.count)...])
  }
}
