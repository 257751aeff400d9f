// SPDX-License-Identifier: Apache-2.0
// Columns, JSON and tables of counts of tcpretrans.

@testable import CLI
import Testing

@Suite("lines of tcpretrans")
struct TcpretransTableTests {
  private func options(_ line: String) throws -> TcpretransOptions {
    try #require(try parsed("tcpretrans " + line).tcpretrans)
  }

  private var row: TcpretransRow {
    var row = TcpretransRow()
    row.timeOfDay = "07:08:10"
    row.pid = 22906
    row.comm = "curl"
    row.origin = "connected"
    row.local = "127.0.0.1"
    row.localPort = 41234
    row.remote = "127.0.0.2"
    row.remotePort = 80
    row.sequence = 4_000_000_000
    row.cause = .timeout
    row.segments = 2
    row.bytes = 2896
    row.smoothedRTTMicros = 201
    return row
  }

  // The headers are what bcc's tcpretrans prints with the same options.
  @Test("header and columns are those of bcc's tcpretrans")
  func columns() throws {
    let plain = try options("")
    #expect(
      plain.headerLine
        == "TIME     PID     IP LADDR:LPORT          T> RADDR:RPORT          STATE")
    #expect(
      plain.line(row)
        == "07:08:10 22906   4  127.0.0.1:41234      R> 127.0.0.2:80         ESTABLISHED"
    )
    let full = try options("-s")
    #expect(
      full.headerLine
        == "TIME     PID     IP LADDR:LPORT          T> RADDR:RPORT          STATE        SEQ")
    #expect(
      full.line(row)
        == "07:08:10 22906   4  127.0.0.1:41234      R> 127.0.0.2:80         "
        + "ESTABLISHED  4000000000"
    )
  }

  @Test("the owner's name and the cause are ours, and align")
  func ourColumns() throws {
    let options = try options("--comm --cause -l")
    var row = row
    row.cause = .probe
    #expect(
      options.headerLine == "TIME     PID     COMM            IP LADDR:LPORT          T> "
        + "RADDR:RPORT          STATE        CAUSE")
    #expect(
      options.line(row) == "07:08:10 22906   curl            4  127.0.0.1:41234      L> "
        + "127.0.0.2:80         ESTABLISHED  tail_loss_probe")
    let all = try self.options("-s --cause")
    #expect(all.headerLine.hasSuffix(" STATE        SEQ        CAUSE"))
    #expect(all.line(row).hasSuffix(" ESTABLISHED  4000000000 tail_loss_probe"))
  }

  @Test("an unknown owner is a dash, an IPv6 address stands in brackets")
  func unusual() throws {
    var row = row
    row.pid = nil
    row.comm = ""
    row.family = .ipv6
    row.local = "::1"
    row.remote = "fe80::1"
    row.state = 12
    #expect(
      try options("--comm").line(row)
        == "07:08:10 -       -               6  [::1]:41234          R> [fe80::1]:80         "
        + "NEW_SYN_RECV")
  }

  @Test("states have the kernel's names, and a number that is unknown is shown")
  func states() {
    let names = (1...13).map { (number: UInt16) in
      var row = TcpretransRow()
      row.state = number
      return row.stateName
    }
    #expect(
      names == [
        "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE",
        "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV", "BOUND_INACTIVE",
      ])
    for number: UInt16 in [0, 14, .max] {
      var row = TcpretransRow()
      row.state = number
      #expect(row.stateName == "\(number)")
    }
  }

  @Test("tail loss probes come with -l, others always")
  func admits() throws {
    var probe = row
    probe.cause = .probe
    #expect(try !options("").admits(probe))
    #expect(try options("-l").admits(probe))
    for cause in RetransmitCause.allCases where cause != .probe {
      var row = row
      row.cause = cause
      #expect(try options("").admits(row), "\(cause)")
    }
    #expect(try options("-p 22906 -4").admits(row))
    #expect(try !options("-p 1").admits(row))
    #expect(try !options("-6").admits(row))
  }

  @Test("a retransmission as JSON is one object on one line, without what is not known")
  func json() throws {
    #expect(
      try options("--json").json(row)
        == #"{"time":"07:08:10","pid":22906,"comm":"curl","owner":"connected","ip":4,"#
        + #""laddr":"127.0.0.1","lport":41234,"raddr":"127.0.0.2","rport":80,"type":"R","#
        + #""cause":"timeout","state":"ESTABLISHED","seq":4000000000,"segments":2,"#
        + #""bytes":2896,"srtt_ms":0.201}"#)
    var row = row
    row.pid = nil
    row.smoothedRTTMicros = nil
    row.cause = .probe
    row.error = 105
    #expect(
      try options("--json").json(row)
        == #"{"time":"07:08:10","ip":4,"laddr":"127.0.0.1","lport":41234,"raddr":"127.0.0.2","#
        + #""rport":80,"type":"L","cause":"tail_loss_probe","state":"ESTABLISHED","#
        + #""seq":4000000000,"segments":2,"bytes":2896,"error":"ENOBUFS"}"#)
  }

  @Test("--count adds up per flow, most first, and says what found no room")
  func counts() throws {
    let options = try options("--count")
    var flows = FlowCounts(flowsMax: 2)
    for (port, times) in [(41234, 3), (41235, 23), (41236, 5)] as [(UInt16, UInt64)] {
      var row = row
      row.localPort = port
      flows.add(options.flow(row), times)
    }
    #expect(
      options.countText(flows, timeOfDay: "") == """
        LADDR:LPORT               RADDR:RPORT               RETRANSMITS
        [127.0.0.1]#41235     <-> [127.0.0.2]#80            23
        [127.0.0.1]#41234     <-> [127.0.0.2]#80            3
        other                     -                         5

        """)
    #expect(
      options.countJSON(flows, time: "t") == [
        #"{"time":"t","laddr":"127.0.0.1","lport":41235,"raddr":"127.0.0.2","rport":80,"#
          + #""retransmits":23}"#,
        #"{"time":"t","laddr":"127.0.0.1","lport":41234,"raddr":"127.0.0.2","rport":80,"#
          + #""retransmits":3}"#,
        #"{"time":"t","other":true,"retransmits":5}"#,
      ])
  }
}
