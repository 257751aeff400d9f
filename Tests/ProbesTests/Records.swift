// SPDX-License-Identifier: Apache-2.0
// Records as the kernel half writes them, made by hand.

import CApusABI

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

func rawBytes<Layout: BitwiseCopyable>(of layout: Layout) -> [UInt8] {
  withUnsafeBytes(of: layout) { Array($0) }
}
