// SPDX-License-Identifier: Apache-2.0
// How long tests of random input go on, and with which seeds; APUS_FUZZ_* are read only here.

import Glibc

/// Numbers that follow from the seed alone.
package struct Dice: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A number from 0 to `bound` - 1.
  package mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
}

package enum Fuzzing {
  /// Of a run that is to say the same each time.
  private static let everyday: UInt64 = 23
  /// A seed goes on so long, so that those that are printed can be read.
  private static let seedSeconds = 5

  /// APUS_FUZZ_SECONDS: each test goes on so long, with ever new seeds, which are printed.
  private static let seconds = number("APUS_FUZZ_SECONDS").map { Int($0) }
  /// APUS_FUZZ_SEED: this one instead, as a run that failed has printed it.
  private static let seed = number("APUS_FUZZ_SEED")

  private static func number(_ name: String) -> UInt64? {
    guard let text = getenv(name), text.pointee != 0 else { return nil }
    guard let number = UInt64(String(cString: text)), number < 1 << 40 else {
      preconditionFailure("\(name) is no whole number")
    }
    return number
  }

  /// Runs `round` once, or as long as the environment says.
  package static func run(_ name: String, _ round: (inout Dice) throws -> Void) rethrows {
    guard let seconds else {
      var dice = Dice(seed: seed ?? everyday)
      return try round(&dice)
    }
    let end = now() + seconds
    repeat {
      let seed = seed ?? UInt64.random(in: 0..<1 << 40)
      // Before the round: it may be the last thing that is said.
      let line = "fuzz: \(name): APUS_FUZZ_SEED=\(seed)\n"
      _ = write(STDERR_FILENO, line, line.utf8.count)
      var dice = Dice(seed: seed)
      let next = min(end, now() + (self.seed == nil ? seedSeconds : seconds))
      repeat { try round(&dice) } while now() < next
    } while now() < end
  }

  private static func now() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec
  }
}
