// SPDX-License-Identifier: Apache-2.0
// The lines of tcpretrans in the columns of bcc's tool, and the same as JSON.

internal import Platform

/// Why a segment was sent again, in the words of `apus.tcp.retransmit.cause`.
package enum RetransmitCause: String, CaseIterable, Sendable {
  case other, timeout, fast
  case probe = "tail_loss_probe"
  case syn
  case synAck = "syn_ack"
}

/// One retransmission, as the terminal shows it.
package struct TcpretransRow: Sendable {
  package var timeOfDay = ""
  /// Nil, like `comm`, when the socket's owner is not known.
  package var pid: Int32?
  package var comm = ""
  /// Nil when the addresses are not known.
  package var family: IPFamily? = .ipv4
  package var local = ""
  package var localPort: UInt16 = 0
  package var remote = ""
  package var remotePort: UInt16 = 0
  /// The kernel's number, as in `tcp_states.h`.
  package var state: UInt16 = 1
  package var sequence: UInt32 = 0
  package var cause = RetransmitCause.other
  package var segments: UInt32 = 1
  package var bytes: UInt32 = 0
  /// Nil before the first measurement.
  package var smoothedRTTMicros: UInt64?
  /// A positive errno when it could not be sent, else 0.
  package var error: Int32 = 0
  /// How the owner is known, in the words of `apus.socket.owner.origin`; empty without one.
  package var origin = ""

  package init() {}

  package var stateName: String {
    let names = [
      "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE",
      "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV", "BOUND_INACTIVE",
    ]
    let index = Int(state) - 1
    return names.indices.contains(index) ? names[index] : String(state)
  }
}

extension TcpretransOptions {
  package static let tracing = "Tracing retransmits ... Hit Ctrl-C to end"

  package var headerLine: String {
    "\(left("TIME", 8)) \(left("PID", 7)) " + (comm ? left("COMM", 15) + " " : "")
      + "IP \(left("LADDR:LPORT", 20)) T> \(left("RADDR:RPORT", 20)) "
      + (sequence || cause ? left("STATE", 12) : "STATE")
      + (sequence ? " " + (cause ? left("SEQ", 10) : "SEQ") : "") + (cause ? " CAUSE" : "")
  }

  package func line(_ row: TcpretransRow) -> String {
    var out = "\(left(row.timeOfDay, 8)) \(left(orDash(row.pid), 7)) "
    if comm { out += left(orDash(printable(row.comm)), 15) + " " }
    out += left(orDash(row.family?.rawValue), 2) + " "
    out += left(endpoint(row.local, row.localPort, row.family), 20)
    out += row.cause == .probe ? " L> " : " R> "
    out += left(endpoint(row.remote, row.remotePort, row.family), 20) + " "
    out += sequence || cause ? left(row.stateName, 12) : row.stateName
    if sequence {
      let number = String(row.sequence)
      out += " " + (cause ? left(number, 10) : number)
    }
    if cause { out += " " + row.cause.rawValue }
    return out
  }

  /// What remains to be asked of a record; the kernel half may have asked some of it before.
  package func admits(_ row: TcpretransRow) -> Bool {
    if let pid, row.pid != pid { return false }
    if let family, row.family != family { return false }
    return lossProbes || row.cause != .probe
  }

  package func json(_ row: TcpretransRow) -> String {
    var object = JSONLine()
    object.add("time", row.timeOfDay)
    if let pid = row.pid {
      object.add("pid", Int(pid))
      object.add("comm", row.comm)
      object.add("owner", row.origin)
    }
    if let family = row.family {
      object.add("ip", family.rawValue)
      object.add("laddr", row.local)
    }
    object.add("lport", Int(row.localPort))
    if row.family != nil { object.add("raddr", row.remote) }
    object.add("rport", Int(row.remotePort))
    object.add("type", row.cause == .probe ? "L" : "R")
    object.add("cause", row.cause.rawValue)
    object.add("state", row.stateName)
    object.add("seq", UInt64(row.sequence))
    object.add("segments", UInt64(row.segments))
    object.add("bytes", UInt64(row.bytes))
    if let rtt = row.smoothedRTTMicros { object.add("srtt_ms", thousandths: rtt) }
    if row.error != 0 { object.add("error", errnoName(row.error)) }
    return object.finished()
  }
}

/// For `--count`.
extension TcpretransOptions {
  package func flow(_ row: TcpretransRow) -> Flow {
    Flow(
      local: row.local, localPort: row.localPort, remote: row.remote, remotePort: row.remotePort)
  }

  package static let countHeaderLine =
    "\(left("LADDR:LPORT", 25)) \(left("RADDR:RPORT", 25)) RETRANSMITS"

  /// The table of one interval; most first, since a terminal's height may cut the end.
  package func countText(_ flows: FlowCounts, timeOfDay _: String) -> String {
    var out = Self.countHeaderLine + "\n"
    for (flow, count) in flows.sorted {
      out += left("[\(flow.local)]#\(flow.localPort)", 21) + " <-> "
      out += left("[\(flow.remote)]#\(flow.remotePort)", 25) + " \(count)\n"
    }
    if flows.others > 0 {
      out += left("other", 25) + " " + left("-", 25) + " \(flows.others)\n"
    }
    return out
  }

  /// An object per flow of one interval.
  package func countJSON(_ flows: FlowCounts, time: String) -> [String] {
    var lines = flows.sorted.map { flow, count in
      var object = JSONLine()
      object.add("time", time)
      object.add("laddr", flow.local)
      object.add("lport", Int(flow.localPort))
      object.add("raddr", flow.remote)
      object.add("rport", Int(flow.remotePort))
      object.add("retransmits", count)
      return object.finished()
    }
    if flows.others > 0 { lines.append(flows.othersJSON("retransmits", time: time)) }
    return lines.isEmpty ? [flows.nothingJSON("retransmits", time: time)] : lines
  }
}

/// The brackets tell an IPv6 address from its port; bcc's tool leaves that to the reader.
private func endpoint(_ address: String, _ port: UInt16, _ family: IPFamily?) -> String {
  family == .ipv6 ? "[\(address)]:\(port)" : "\(address):\(port)"
}
