// SPDX-License-Identifier: Apache-2.0
// Columns, JSON and tables of counts of tcpconnect.

@testable import CLI
import Testing

@Suite("lines of tcpconnect")
struct TcpconnectTableTests {
  private func options(_ line: String) throws -> TcpconnectOptions {
    try #require(try parsed("tcpconnect " + line).tcpconnect)
  }

  private var row: TcpconnectRow {
    var row = TcpconnectRow()
    row.timeOfDay = "07:08:10"
    row.secondsSinceStartMilli = 733
    row.pid = 22906
    row.uid = 1000
    row.comm = "curl"
    row.source = "127.0.0.1"
    row.sourcePort = 41234
    row.destination = "127.0.0.2"
    row.destinationPort = 80
    row.latencyMicros = 1042
    return row
  }

  private var refused: TcpconnectRow {
    var row = row
    row.outcome = .refused
    row.error = 111
    return row
  }

  // The headers are what libbpf-tools' tcpconnect prints with the same options.
  @Test("header and columns are those of libbpf-tools' tcpconnect")
  func columns() throws {
    let plain = try options("")
    #expect(plain.headerLine == "PID    COMM         IP SADDR            DADDR            DPORT")
    #expect(plain.line(row) == "22906  curl         4  127.0.0.1        127.0.0.2        80   ")
    let full = try options("-tUs")
    #expect(
      full.headerLine
        == "TIME(s)  UID   PID    COMM         IP SADDR            DADDR            SPORT DPORT")
    #expect(
      full.line(row)
        == "0.733    1000  22906  curl         4  127.0.0.1        127.0.0.2        41234 80   ")
  }

  @Test("-T, and the outcome's columns, are ours, and align")
  func ourColumns() throws {
    let all = try options("-T -x")
    #expect(
      all.headerLine == "TIME     PID    COMM         IP SADDR            DADDR            DPORT "
        + "OUTCOME     ERROR         LAT(ms)")
    #expect(
      all.line(refused)
        == "07:08:10 22906  curl         4  127.0.0.1        127.0.0.2        80    "
        + "refused     ECONNREFUSED  1.042")
    var pending = row
    pending.outcome = .pending
    pending.latencyMicros = nil
    #expect(all.line(pending).hasSuffix(" 80    pending     -             -"))
  }

  @Test("an unknown caller is a dash, a name of 15 is cut as the model cuts it")
  func unusual() throws {
    var row = row
    row.pid = nil
    row.uid = nil
    row.comm = ""
    row.family = .ipv6
    row.source = "2001:db8::1"
    row.destination = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"
    #expect(
      try options("-U").line(row)
        == "-     -      -            6  2001:db8::1      "
        + "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff 80   "
    )
    row.comm = "a-name-of-15-by"
    #expect(try options("").line(row).hasPrefix("-      a-name-of-15 6  "))
    row.comm = "\u{1b}[2J"
    #expect(try options("").line(row).hasPrefix("-      \\x1b[2J      6  "))
  }

  @Test("the columns do not run together when a number is as wide as the model allows")
  func wide() throws {
    var row = row
    row.uid = 4_294_967_294
    row.secondsSinceStartMilli = 123_456_789
    #expect(try options("-tU").line(row).hasPrefix("123456.789 4294967294 22906  curl"))
  }

  @Test("every attempt is shown, -x only those that were not established")
  func admits() throws {
    #expect(try options("").admits(row))
    #expect(try options("").admits(refused))
    #expect(try !options("-x").admits(row))
    #expect(try options("-x").admits(refused))
    #expect(try options("-P 443,80").admits(row))
    #expect(try !options("-P 443").admits(row))
    #expect(try options("-p 22906 -u 1000 -4").admits(row))
    #expect(try !options("-p 1").admits(row))
    #expect(try !options("-u 0").admits(row))
    #expect(try !options("-6").admits(row))
  }

  @Test("a connect as JSON is one object on one line, without what is not known")
  func json() throws {
    #expect(
      try options("--json -T -t").json(refused)
        == #"{"time":"07:08:10","seconds":0.733,"pid":22906,"uid":1000,"comm":"curl","ip":4,"#
        + #""saddr":"127.0.0.1","sport":41234,"daddr":"127.0.0.2","dport":80,"#
        + #""outcome":"refused","errno":111,"error":"ECONNREFUSED","latency_ms":1.042}"#)
    var row = row
    row.pid = nil
    row.latencyMicros = nil
    #expect(
      try options("--json").json(row)
        == #"{"ip":4,"saddr":"127.0.0.1","sport":41234,"daddr":"127.0.0.2","dport":80,"#
        + #""outcome":"established","errno":0}"#)
  }

  @Test("--count adds up per addresses and port, most first, and says what found no room")
  func counts() throws {
    let options = try options("--count")
    var flows = FlowCounts(flowsMax: 2)
    for port: UInt16 in [80, 443, 443, 8080, 8081, 80, 443] {
      var row = row
      row.destinationPort = port
      row.sourcePort = port &* 7
      flows.add(options.flow(row))
    }
    #expect(
      options.countText(flows, timeOfDay: "") == """
        LADDR                     RADDR                     RPORT                CONNECTS
        127.0.0.1                 127.0.0.2                 443                  3
        127.0.0.1                 127.0.0.2                 80                   2
        other                     -                         -                    2

        """)
    #expect(
      options.countJSON(flows, time: "t") == [
        #"{"time":"t","saddr":"127.0.0.1","daddr":"127.0.0.2","dport":443,"connects":3}"#,
        #"{"time":"t","saddr":"127.0.0.1","daddr":"127.0.0.2","dport":80,"connects":2}"#,
        #"{"time":"t","other":true,"connects":2}"#,
      ])
    flows.removeAll()
    #expect(
      options.countText(flows, timeOfDay: "")
        == "LADDR                     RADDR                     RPORT                CONNECTS\n")
    #expect(options.countJSON(flows, time: "t") == [#"{"time":"t","connects":0}"#])
  }

  @Test("--count -s tells source ports apart, -T writes the time above the table")
  func countsWithSourcePort() throws {
    let options = try options("--count -sT")
    var flows = FlowCounts(flowsMax: 1)
    flows.add(options.flow(row))
    var second = row
    second.sourcePort = 1
    flows.add(options.flow(second))
    let lines = options.countText(flows, timeOfDay: "07:08:10").split(separator: "\n")
    let addresses = "127.0.0.1                 127.0.0.2                 "
    #expect(lines.count == 4)
    #expect(lines[0] == "07:08:10")
    #expect(
      lines[1] == "LADDR                     RADDR                     LPORT                "
        + "RPORT                CONNECTS")
    #expect(lines[2] == addresses + "41234                80                   1")
    #expect(
      lines[3] == "other                     -                         -                    "
        + "-                    1")
    #expect(
      options.countJSON(flows, time: "t")[0]
        == #"{"time":"t","saddr":"127.0.0.1","sport":41234,"daddr":"127.0.0.2","dport":80,"#
        + #""connects":1}"#)
  }

  @Test("flows with equal counts keep one order, whatever order they came in")
  func order() {
    let flows = [3, 1, 2].map {
      Flow(local: "10.0.0.\($0)", localPort: 0, remote: "10.0.0.9", remotePort: 80)
    }
    var one = FlowCounts(flowsMax: 8)
    var other = FlowCounts(flowsMax: 8)
    for flow in flows { one.add(flow) }
    for flow in flows.reversed() { other.add(flow) }
    #expect(one.sorted.map(\.flow) == flows.sorted())
    #expect(other.sorted.map(\.flow) == flows.sorted())
  }
}
