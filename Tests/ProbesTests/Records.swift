// SPDX-License-Identifier: Apache-2.0
// Records as the kernel half writes them, made by hand.

import CApusABI
import Glibc

extension apus_process {
  /// Every field has a number of its own.
  static func known() -> apus_process {
    var process = apus_process()
    process.pid = 4242
    process.tid = 4243
    process.parent_pid = 77
    process.namespace_pid = 7
    process.uid = 1000
    process.euid = 1001
    process.gid = 2000
    process.egid = 2001
    process.login_uid = 3000
    process.session_id = 17
    process.pid_namespace = 4_026_531_836
    process.mount_namespace = 4_026_531_841
    process.start_ns = 1_500_000_000
    process.parent_start_ns = 900_000_000
    process.cgroup_key = 987_654_321 | 1 << 60
    withUnsafeMutableBytes(of: &process.comm) { $0.copyBytes(from: Array("true\0junk".utf8)) }
    return process
  }
}

struct ExecShape {
  var process = apus_process.known()
  var path = "true/bin/usr"
  var name = "./true"
  var arguments: [UInt8] = Array("true\0--token=abc\0--password\0hunter2\0".utf8)
  var argumentCount: UInt32 = 4
  var error: UInt32 = 0
  var flags: UInt32 = 0
  var sequence: UInt64 = 0x1234_5678_9abc_def0

  /// The fixed part, with sizes that are true.
  var fixed: apus_exec {
    var exec = apus_exec()
    exec.header.kind = UInt16(APUS_KIND_EXEC.rawValue)
    exec.header.cpu = 0x2a
    exec.header.sequence = sequence
    exec.header.time_ns = 2_000_000_000
    exec.process = process
    exec.error = error
    exec.flags = flags
    exec.args_length = UInt32(arguments.count)
    exec.args_count = argumentCount
    exec.args_size = UInt32(arguments.count)
    exec.path_size = UInt32(path.utf8.count)
    exec.name_size = UInt32(name.utf8.count)
    exec.caller_tid = 4299
    exec.header.size = UInt32(
      MemoryLayout<apus_exec>.size + path.utf8.count + name.utf8.count + arguments.count)
    return exec
  }

  var payload: [UInt8] { Array(path.utf8) + Array(name.utf8) + arguments }

  var bytes: [UInt8] { rawBytes(of: fixed) + payload }
}

func exitRecord(code: UInt32 = 3, signal: UInt32 = 0, flags: UInt32 = 0) -> apus_exit {
  var exit = apus_exit()
  exit.header.size = UInt32(MemoryLayout<apus_exit>.size)
  exit.header.kind = UInt16(APUS_KIND_EXIT.rawValue)
  exit.header.cpu = 1
  exit.header.sequence = 9
  exit.header.time_ns = 4_000_000_000
  exit.process = .known()
  exit.code = code
  exit.signal = signal
  exit.flags = flags
  exit.lifetime_ns = 2_500_000_000
  return exit
}

extension apus_header {
  static func known<Layout>(_ kind: apus_kind, of layout: Layout.Type) -> apus_header {
    var header = apus_header()
    header.size = UInt32(MemoryLayout<Layout>.size)
    header.kind = UInt16(kind.rawValue)
    header.cpu = 1
    header.sequence = 9
    header.time_ns = 4_000_000_000
    return header
  }
}

extension apus_ends {
  /// From 10.1.2.3:40001 to 192.168.0.254:443.
  static func known() -> apus_ends {
    var ends = apus_ends()
    withUnsafeMutableBytes(of: &ends.local) { $0.copyBytes(from: [10, 1, 2, 3]) }
    withUnsafeMutableBytes(of: &ends.remote) { $0.copyBytes(from: [192, 168, 0, 254]) }
    ends.local_port = 40_001
    ends.remote_port = 443
    ends.family = UInt16(AF_INET)
    ends.net_namespace = 4_026_531_840
    ends.cookie = 0x1_0000_0007
    return ends
  }

  /// From 2001:db8::1 to fe80::2.
  mutating func makeIPv6() {
    family = UInt16(AF_INET6)
    withUnsafeMutableBytes(of: &local) {
      $0.copyBytes(from: [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
    }
    withUnsafeMutableBytes(of: &remote) {
      $0.copyBytes(from: [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2])
    }
  }
}

extension apus_connect {
  static func known() -> apus_connect {
    var connect = apus_connect()
    connect.header = .known(APUS_KIND_CONNECT, of: apus_connect.self)
    connect.process = .known()
    connect.ends = .known()
    connect.latency_ns = 1_250_000
    connect.outcome = UInt16(APUS_CONNECT_ESTABLISHED.rawValue)
    return connect
  }
}

extension apus_retransmit {
  static func known() -> apus_retransmit {
    var retransmit = apus_retransmit()
    retransmit.header = .known(APUS_KIND_RETRANSMIT, of: apus_retransmit.self)
    retransmit.process = .known()
    retransmit.ends = .known()
    retransmit.srtt_us = 1500
    retransmit.segments = 7
    retransmit.length = 9800
    retransmit.sequence = 4_000_000_000
    retransmit.state = 1
    retransmit.cause = UInt16(APUS_RETRANSMIT_FAST.rawValue)
    retransmit.origin = UInt32(APUS_OWNER_ACCEPTED.rawValue)
    return retransmit
  }
}

func rawBytes<Layout: BitwiseCopyable>(of layout: Layout) -> [UInt8] {
  withUnsafeBytes(of: layout) { Array($0) }
}
