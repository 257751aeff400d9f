// SPDX-License-Identifier: Apache-2.0
// The lines of tcpconnect in the columns of libbpf-tools' tool, and the same as JSON.

internal import Platform

/// How a connect ended, in the words of `apus.tcp.connect.outcome`.
package enum ConnectOutcome: String, CaseIterable, Sendable {
  case established, refused
  case timedOut = "timed_out"
  case unreachable, reset, denied, interrupted, abandoned, pending, failed
}

/// One connect, as the terminal shows it.
package struct TcpconnectRow: Sendable {
  package var timeOfDay = ""
  package var secondsSinceStartMilli: UInt64 = 0
  /// Nil, like `uid` and `comm`, when nobody is known to have called connect.
  package var pid: Int32?
  package var uid: UInt32?
  package var comm = ""
  /// Nil when the addresses are not known.
  package var family: IPFamily? = .ipv4
  package var source = ""
  package var sourcePort: UInt16 = 0
  package var destination = ""
  package var destinationPort: UInt16 = 0
  package var outcome = ConnectOutcome.established
  /// A positive errno, or 0.
  package var error: Int32 = 0
  /// Nil when its beginning was not seen.
  package var latencyMicros: UInt64?

  package init() {}
}

extension TcpconnectOptions {
  /// Of `--count`; libbpf-tools' tool says nothing before its first line.
  package static let tracing = "Tracing connects... Hit Ctrl-C to end."

  package var headerLine: String {
    (time ? left("TIME", 9) : "") + (timestamp ? left("TIME(s)", 9) : "")
      + (printUID ? left("UID", 6) : "")
      + "\(left("PID", 6)) \(left("COMM", 12)) IP \(left("SADDR", 16)) \(left("DADDR", 16))"
      + (sourcePort ? " SPORT" : "") + " DPORT"
      + (showsOutcome ? " \(left("OUTCOME", 11)) \(left("ERROR", 13)) LAT(ms)" : "")
  }

  /// The model's columns; a name is cut to 12 as there, the rest pushes what follows.
  package func line(_ row: TcpconnectRow) -> String {
    var out = time ? left(row.timeOfDay, 8) + " " : ""
    // The models' nine and six without a space run into the next column when full.
    if timestamp { out += left(decimal(thousandths: row.secondsSinceStartMilli), 8) + " " }
    if printUID { out += left(orDash(row.uid), 5) + " " }
    out += "\(left(orDash(row.pid), 6)) \(left(shownComm(row), 12)) "
    out += "\(left(orDash(row.family?.rawValue), 2)) "
    out += "\(left(row.source, 16)) \(left(row.destination, 16))"
    if sourcePort { out += " " + left(String(row.sourcePort), 5) }
    out += " " + left(String(row.destinationPort), 5)
    if showsOutcome {
      let error = row.error == 0 ? "-" : errnoName(row.error)
      out += " \(left(row.outcome.rawValue, 11)) \(left(error, 13)) "
      out += row.latencyMicros.map { decimal(thousandths: $0) } ?? "-"
    }
    return out
  }

  private func shownComm(_ row: TcpconnectRow) -> String {
    let comm = printable(row.comm).unicodeScalars.prefix(12)
    return orDash(String(String.UnicodeScalarView(comm)))
  }

  /// What remains to be asked of a record; the kernel half may have asked some of it before.
  package func admits(_ row: TcpconnectRow) -> Bool {
    if let pid, row.pid != pid { return false }
    if let uid, row.uid != uid { return false }
    if let family, row.family != family { return false }
    if !ports.isEmpty, !ports.contains(row.destinationPort) { return false }
    return !failed || row.outcome != .established
  }

  package func json(_ row: TcpconnectRow) -> String {
    var object = JSONLine()
    if time { object.add("time", row.timeOfDay) }
    if timestamp { object.add("seconds", thousandths: row.secondsSinceStartMilli) }
    if let pid = row.pid {
      object.add("pid", Int(pid))
      if let uid = row.uid { object.add("uid", Int(uid)) }
      object.add("comm", row.comm)
    }
    if let family = row.family {
      object.add("ip", family.rawValue)
      object.add("saddr", row.source)
    }
    object.add("sport", Int(row.sourcePort))
    if row.family != nil { object.add("daddr", row.destination) }
    object.add("dport", Int(row.destinationPort))
    object.add("outcome", row.outcome.rawValue)
    object.add("errno", Int(row.error))
    if row.error != 0 { object.add("error", errnoName(row.error)) }
    if let latency = row.latencyMicros { object.add("latency_ms", thousandths: latency) }
    return object.finished()
  }
}

/// For `--count`.
extension TcpconnectOptions {
  /// What is counted together; the source port is 0 unless it was asked for.
  package func flow(_ row: TcpconnectRow) -> Flow {
    Flow(
      local: row.source, localPort: sourcePort ? row.sourcePort : 0, remote: row.destination,
      remotePort: row.destinationPort)
  }

  package var countHeaderLine: String {
    left("LADDR", 25) + " " + left("RADDR", 25) + (sourcePort ? " " + left("LPORT", 20) : "")
      + " " + left("RPORT", 20) + " CONNECTS"
  }

  /// The table of one interval.
  package func countText(_ flows: FlowCounts, timeOfDay: String) -> String {
    var out = (time ? timeOfDay + "\n" : "") + countHeaderLine + "\n"
    for (flow, count) in flows.sorted {
      out += left(flow.local, 25) + " " + left(flow.remote, 25)
      if sourcePort { out += " " + left(String(flow.localPort), 20) }
      out += " " + left(String(flow.remotePort), 20) + " \(count)\n"
    }
    if flows.others > 0 {
      let dash = " " + left("-", 20)
      out += left("other", 25) + " " + left("-", 25) + (sourcePort ? dash : "")
      out += dash + " \(flows.others)\n"
    }
    return out
  }

  /// An object per flow of one interval.
  package func countJSON(_ flows: FlowCounts, time: String) -> [String] {
    var lines = flows.sorted.map { flow, count in
      var object = JSONLine()
      object.add("time", time)
      object.add("saddr", flow.local)
      if sourcePort { object.add("sport", Int(flow.localPort)) }
      object.add("daddr", flow.remote)
      object.add("dport", Int(flow.remotePort))
      object.add("connects", count)
      return object.finished()
    }
    if flows.others > 0 { lines.append(flows.othersJSON("connects", time: time)) }
    return lines.isEmpty ? [flows.nothingJSON("connects", time: time)] : lines
  }
}
