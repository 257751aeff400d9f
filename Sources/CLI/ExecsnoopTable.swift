// SPDX-License-Identifier: Apache-2.0
// The lines of execsnoop in the columns of bcc's tool, and the same as JSON.

/// One exec, as the terminal shows it.
package struct ExecsnoopRow: Sendable {
  package var timeOfDay = ""
  package var secondsSinceStartMilli: UInt64 = 0
  package var uid: UInt32 = 0
  package var comm = ""
  package var pid: Int32 = 0
  package var parentPID: Int32 = 0
  package var result: Int32 = 0
  package var arguments: [String] = []
  /// The kernel half kept less than the whole vector.
  package var isTruncated = false

  package init() {}
}

extension ExecsnoopOptions {
  package var headerLine: String {
    (time ? left("TIME", 9) : "") + (timestamp ? left("TIME(s)", 8) + " " : "")
      + (printUID ? left("UID", 6) + " " : "")
      + "\(left("PCOMM", 16)) \(left("PID", 6)) \(left("PPID", 6)) RET ARGS"
  }

  /// Under its header: bcc's own rows stand one place left of it after -t and after -U.
  package func line(_ row: ExecsnoopRow) -> String {
    var out = time ? left(row.timeOfDay, 8) + " " : ""
    if timestamp { out += left(decimal(thousandths: row.secondsSinceStartMilli), 8) + " " }
    if printUID { out += left(String(row.uid), 6) + " " }
    out += "\(left(printable(row.comm), 16)) \(left(String(row.pid), 6)) "
    out += "\(left(String(row.parentPID), 6)) \(right(String(row.result), 3)) "
    for argument in row.arguments.prefix(maxArgs) {
      out += quote ? "\"\(escaped(argument))\" " : printable(argument) + " "
    }
    if row.isTruncated || row.arguments.count > maxArgs { out += " ..." }
    return out
  }

  /// Only what the kernel cannot filter cheaply: the name and a part of an argument.
  package func admits(_ row: ExecsnoopRow) -> Bool {
    if let name, !row.comm.contains(name) { return false }
    if let line, !row.arguments.contains(where: { $0.contains(line) }) { return false }
    if let uid, row.uid != uid { return false }
    return fails || row.result == 0
  }

  /// What bcc's `-q` escapes.
  private func escaped(_ argument: String) -> String {
    var out = ""
    for character in argument.unicodeScalars {
      switch character {
      case "\"": out += "\\\""
      case "\n": out += "\\n"
      case "\t": out += "\\t"
      default: out.unicodeScalars.append(character)
      }
    }
    return printable(out)
  }

  package func json(_ row: ExecsnoopRow) -> String {
    var object = JSONLine()
    if time { object.add("time", row.timeOfDay) }
    if timestamp { object.add("seconds", thousandths: row.secondsSinceStartMilli) }
    object.add("uid", Int(row.uid))
    object.add("comm", row.comm)
    object.add("pid", Int(row.pid))
    object.add("ppid", Int(row.parentPID))
    object.add("ret", Int(row.result))
    object.add("args", row.arguments)
    object.add("truncated", row.isTruncated)
    return object.finished()
  }
}
