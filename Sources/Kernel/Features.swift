// SPDX-License-Identifier: Apache-2.0
// What this kernel is and has, asked of the kernel itself and never of its version number.

internal import CLibbpf
internal import Glibc
internal import Platform

/// Facts about the running kernel.
public enum Features {
  /// How many CPUs the kernel may ever have: the number of copies in a per-CPU map.
  public static let possibleCPUs: Int = max(1, Int(libbpf_num_possible_cpus()))

  /// "6.18.44-fc-v657".
  public static var release: String { readText("/proc/sys/kernel/osrelease") ?? "unknown" }

  /// Whether the kernel describes its types, without which nothing can be loaded.
  public static var hasBTF: Bool { unsafe access("/sys/kernel/btf/vmlinux", R_OK) == 0 }

  /// "none", "integrity", "confidentiality", or nil where the kernel does not say.
  public static var lockdown: String? {
    guard let text = readText("/sys/kernel/security/lockdown") else { return nil }
    guard let open = text.firstIndex(of: "["), let close = text.firstIndex(of: "]") else {
      return nil
    }
    return String(text[text.index(after: open)..<close])
  }

  /// The number of arguments of typed tracepoints, without the context; nil when there is none.
  public static func argumentCounts(ofTracepoints names: [String]) -> [String: Int] {
    guard let btf = unsafe btf__load_vmlinux_btf() else { return [:] }
    defer { unsafe btf__free(btf) }
    var counts: [String: Int] = [:]
    for name in names {
      // typedef void (*btf_trace_NAME)(void *context, …)
      let id = unsafe btf__find_by_name_kind(btf, "btf_trace_\(name)", UInt32(BTF_KIND_TYPEDEF))
      guard id > 0,
        let alias = unsafe btf__type_by_id(btf, UInt32(id)),
        let pointer = unsafe btf__type_by_id(btf, alias.pointee.type),
        let function = unsafe btf__type_by_id(btf, pointer.pointee.type)
      else { continue }
      counts[name] = unsafe Int(function.pointee.info & 0xffff) - 1
    }
    return counts
  }
}
