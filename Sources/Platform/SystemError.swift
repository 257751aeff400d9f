// SPDX-License-Identifier: Apache-2.0
// What a failed system or library call is in Swift, and how errnos and signals are named.

internal import CApus
internal import Glibc

/// A system or library call that failed, and the errno it left.
public struct SystemError: Error, Equatable, CustomStringConvertible {
  public let call: StaticString
  public let code: Int32

  public init(_ call: StaticString, code: Int32) {
    self.call = call
    self.code = code
  }

  /// Takes the calling thread's errno; to be called before anything that may change it.
  public static func current(_ call: StaticString) -> SystemError {
    SystemError(call, code: errno)
  }

  public var description: String { "\(call): \(errnoText(code)) (\(errnoName(code)))" }

  public static func == (left: SystemError, right: SystemError) -> Bool {
    left.code == right.code && left.call.description == right.call.description
  }
}

/// The constant of an errno, "ENOENT", or its number when the C library knows none.
public func errnoName(_ code: Int32) -> String {
  guard let name = unsafe capus_errno_name(code) else { return "\(code)" }
  return unsafe String(cString: name)
}

/// The C library's sentence for an errno.
public func errnoText(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }

/// The constant of a signal, "SIGTERM", or its number for real-time signals.
public func signalName(_ number: Int32) -> String {
  guard let name = unsafe capus_signal_name(number) else { return "\(number)" }
  return unsafe "SIG\(String(cString: name))"
}
