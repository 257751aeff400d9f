// SPDX-License-Identifier: Apache-2.0
// Which capabilities this process has, and which of those that tracing needs it lacks.

/// The effective capabilities, as /proc/self/status tells them.
public enum Capabilities {
  /// Numbers of include/uapi/linux/capability.h.
  private static let names: [(name: String, bit: UInt64)] = [
    ("CAP_DAC_READ_SEARCH", 2), ("CAP_NET_ADMIN", 12), ("CAP_SYS_PTRACE", 19),
    ("CAP_SYS_ADMIN", 21), ("CAP_SYS_RESOURCE", 24), ("CAP_PERFMON", 38), ("CAP_BPF", 39),
  ]

  /// All of ours by name, and whether each is there.
  public static func all() -> [(name: String, isPresent: Bool)] {
    let mask = effective()
    return names.map { ($0.name, mask >> $0.bit & 1 == 1) }
  }

  /// What programs on tracepoints need; CAP_SYS_ADMIN stands for both.
  public static func missingForTracing() -> [String] {
    let present = Dictionary(uniqueKeysWithValues: all().map { ($0.name, $0.isPresent) })
    if present["CAP_SYS_ADMIN"] == true { return [] }
    return ["CAP_BPF", "CAP_PERFMON"].filter { present[$0] != true }
  }

  /// Whether this process may load programs that look at a cgroup's connects.
  public static let mayAdministerNetwork: Bool = {
    all().contains { ["CAP_NET_ADMIN", "CAP_SYS_ADMIN"].contains($0.name) && $0.isPresent }
  }()

  private static func effective() -> UInt64 {
    for line in (readText("/proc/self/status") ?? "").split(separator: "\n")
    where line.hasPrefix("CapEff:") {
      return UInt64(line.dropFirst(7).drop { $0 == "\t" }, radix: 16) ?? 0
    }
    return 0
  }
}
