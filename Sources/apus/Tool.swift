// SPDX-License-Identifier: Apache-2.0
// What the on-host tools share: privilege, errors, cgroups by path, and the ends of a run.

internal import CApusABI
internal import CLI
internal import Glibc
internal import Identity
internal import Kernel
internal import Platform
internal import Probes

/// Common beginnings of the tools.
enum Tool {
  /// Says at once what is missing, instead of letting the kernel refuse something later.
  static func requirePrivilege() throws(Failure) {
    let missing = Capabilities.missingForTracing()
    if !missing.isEmpty {
      throw Failure(
        code: .unavailable,
        message: "not permitted: missing \(missing.joined(separator: ", ")); run it as root")
    }
    guard Features.hasBTF else {
      throw Failure(
        code: .unavailable,
        message: "this kernel has no /sys/kernel/btf/vmlinux; it needs CONFIG_DEBUG_INFO_BTF")
    }
  }

  /// Logs from the tools are off, but for what `--verbose` asks.
  static func configureLog(verbose: Bool) {
    Log.shared.configure(level: verbose ? .debug : .warn, json: false)
    routeLibbpfLog()
  }

  static func failure(_ error: KernelError) -> Failure {
    Failure(code: error.isRefusal ? .unavailable : .failure, message: "\(error)")
  }

  /// Hooks that were not taken, and why.
  static func tell(_ reports: [HookReport]) {
    for report in reports {
      guard let failure = report.failure else { continue }
      Log.warn("hook not taken", ["hook": report.hook, "why": failure])
    }
  }

  /// What was not shown, by the kernel half's account.
  static func tellLosses(
    of kind: apus_kind, _ events: String, _ shared: borrowing SharedMaps
  ) throws(KernelError) {
    var counts = LedgerReader(shared.ledger)
    let cell = try counts.read(kind: kind.rawValue)
    if cell.ring_full > 0 {
      Log.warn("\(events) lost because the buffer was full", ["count": "\(cell.ring_full)"])
    }
    if cell.untracked > 0 {
      Log.warn("\(events) not shown: their beginning was not kept", ["count": "\(cell.untracked)"])
    }
  }

  static func cgroupKey(ofPath path: String?) throws(Failure) -> UInt64 {
    guard let path else { return 0 }
    guard let key = CgroupPaths().key(ofPath: path) else {
      throw Failure(
        code: .usage,
        message: "\(path) is no cgroup; give a directory below a cgroup mount, "
          + "such as /sys/fs/cgroup/system.slice")
    }
    return key.raw
  }

  /// Standard output, looked at anew: its size may change.
  static var terminal: Terminal { Terminal(descriptor: STDOUT_FILENO, environment: environment) }

  /// Now, for programs.
  static func now() -> String { iso8601(unixNanoseconds: Clock.shared.unixNanoseconds()) }

  /// "14:03:59", local time, as bcc prints it; now if not said otherwise.
  static func timeOfDay(unixSeconds: UInt64? = nil) -> String {
    var moment = unixSeconds.map { time_t($0) } ?? time(nil)
    var parts = unsafe tm()
    unsafe localtime_r(&moment, &parts)
    func two(_ value: CInt) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return unsafe "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
  }
}
