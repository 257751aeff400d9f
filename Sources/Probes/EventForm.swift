// SPDX-License-Identifier: Apache-2.0
// What must be known of a record's struct to make an event of it.

internal import CApusABI
internal import Kernel
internal import OTLP

/// How records of one kind become log records.
///
/// Not a conformance of the struct itself: C types cannot be declared `BitwiseCopyable` here.
protocol EventForm {
  associatedtype Layout: BitwiseCopyable

  static var kind: apus_kind { get }
  /// Key of the workload that it is about.
  static func cgroup(_ record: borrowing Record<Layout>) -> UInt64
  /// Whether all is there that the record says follows its fixed part.
  static func isComplete(_ record: borrowing Record<Layout>) -> Bool
  /// Under what it is counted as an execution; nil when it is none.
  static func execution(_ record: borrowing Record<Layout>) -> ExecutionKey?
  static func encode(
    _ record: borrowing Record<Layout>, with encoder: inout EventEncoder,
    to writer: inout WireWriter)
}

extension EventForm {
  static func isComplete(_ record: borrowing Record<Layout>) -> Bool { true }
  static func execution(_ record: borrowing Record<Layout>) -> ExecutionKey? { nil }
}
