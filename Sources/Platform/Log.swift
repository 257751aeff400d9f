// SPDX-License-Identifier: Apache-2.0
// The agent's own log: levels, key-value fields, rate-limited per message, on standard error.

internal import Glibc
internal import Synchronization

/// How much a message matters; the lower, the more.
public enum LogLevel: String, Sendable, CaseIterable, Comparable {
  case error, warn, info, debug

  private var rank: Int {
    switch self {
    case .error: 0
    case .warn: 1
    case .info: 2
    case .debug: 3
    }
  }

  public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rank < right.rank }
}

/// Writes log lines.
///
/// Any thread may call it.
public final class Log: Sendable {
  public static let shared = Log()

  private struct State {
    var level = LogLevel.info
    var json = false
    var limiter = LogLimiter()
  }

  private let state = Mutex(State())

  private init() {}

  /// Sets the level that is still written, and whether lines are JSON or logfmt.
  public func configure(level: LogLevel, json: Bool) {
    state.withLock {
      $0.level = level
      $0.json = json
    }
  }

  public static func error(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
    shared.write(.error, message, fields)
  }

  public static func warn(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
    shared.write(.warn, message, fields)
  }

  public static func info(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
    shared.write(.info, message, fields)
  }

  public static func debug(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
    shared.write(.debug, message, fields)
  }

  /// Whether a message of this level would be written: spares building costly fields.
  public static func writes(_ level: LogLevel) -> Bool {
    shared.state.withLock { level <= $0.level }
  }

  private func write(
    _ level: LogLevel, _ message: String, _ fields: KeyValuePairs<String, String>
  ) {
    let now = Clock.bootNanoseconds()
    let line: String? = state.withLock { state in
      guard level <= state.level else { return nil }
      guard let suppressed = state.limiter.admit(message, at: now) else { return nil }
      var pairs = [("time", timestamp()), ("level", "\(level)"), ("msg", message)]
      pairs += fields.map { ($0.key, $0.value) }
      if suppressed > 0 { pairs.append(("suppressed", "\(suppressed)")) }
      return state.json ? json(pairs) : logfmt(pairs)
    }
    guard var line else { return }
    line.withUTF8 { bytes in
      // Standard error may be closed: there is nowhere left to say so.
      _ = unsafe Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
    }
  }

  private func timestamp() -> String { iso8601(unixNanoseconds: Clock.shared.unixNanoseconds()) }

  private func logfmt(_ pairs: [(String, String)]) -> String {
    var line = ""
    for (key, value) in pairs {
      if !line.isEmpty { line += " " }
      let plain = value.utf8.allSatisfy { $0 > 32 && $0 != 34 && $0 != 61 && $0 < 127 }
      line += plain && !value.isEmpty ? "\(key)=\(value)" : "\(key)=\"\(jsonEscaped(value))\""
    }
    return line + "\n"
  }

  private func json(_ pairs: [(String, String)]) -> String {
    let members = pairs.map { "\"\(jsonEscaped($0.0))\":\"\(jsonEscaped($0.1))\"" }
    return "{\(members.joined(separator: ","))}\n"
  }
}
