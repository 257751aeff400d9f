// SPDX-License-Identifier: Apache-2.0
// The bench's arguments, its errors and its clock.

internal import Glibc
internal import Kernel
internal import Platform

/// Why nothing was measured.
enum BenchError: Error, CustomStringConvertible {
  case usage(String)
  case kernel(KernelError)
  case system(SystemError)
  case lost(records: UInt64)
  case captured(records: Int)

  var isUsage: Bool { if case .usage = self { true } else { false } }

  var description: String {
    switch self {
    case .usage(let text): text
    case .kernel(let error): "\(error)"
    case .system(let error): "\(error)"
    case .lost(let records): "the ring was full \(records) times: what was measured is not all"
    case .captured(let records): "\(records) records of a process were captured instead of two"
    }
  }
}

struct BenchOptions {
  private(set) var count: Int
  private(set) var fills = 3
  private(set) var hold = 0
  private(set) var json = false
  private(set) var mark = false
  private(set) var program: String
  /// nil is all.
  private(set) var cgroup: String?

  init(_ arguments: ArraySlice<String>, count: Int) throws(BenchError) {
    self.count = count
    let leaf = ".build/workloads/leaf"
    program = unsafe access(leaf, X_OK) == 0 ? leaf : "/bin/true"
    var rest = arguments
    while let argument = rest.popFirst() {
      switch argument {
      case "--json": json = true
      case "--mark": mark = true
      case "--cgroup": cgroup = try BenchOptions.value(&rest, of: argument)
      case "--program": program = try BenchOptions.value(&rest, of: argument)
      case "--fills": fills = try BenchOptions.number(&rest, of: argument, 1...1000)
      case "--hold": hold = try BenchOptions.number(&rest, of: argument, 0...64)
      default:
        guard let number = Int(argument), number > 0 else {
          throw .usage("\(argument) is neither an option nor a number")
        }
        self.count = number
      }
    }
  }

  private static func value(
    _ rest: inout ArraySlice<String>, of name: String
  ) throws(BenchError) -> String {
    guard let value = rest.popFirst() else { throw .usage("\(name) needs a value") }
    return value
  }

  private static func number(
    _ rest: inout ArraySlice<String>, of name: String, _ range: ClosedRange<Int>
  ) throws(BenchError) -> Int {
    guard let number = Int(try value(&rest, of: name)), range.contains(number) else {
      throw .usage("\(name) needs a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}

/// CPU time of this thread: other load on the machine is not ours.
func threadNanoseconds() -> UInt64 {
  var now = timespec()
  unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
  return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// One decimal: no more is known.
func tenths(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
