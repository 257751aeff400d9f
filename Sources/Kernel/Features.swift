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

  /// Whether a program may walk a map (bpf_for_each_map_elem, 5.13).
  public static let hasMapWalk: Bool =
    libbpf_probe_bpf_helper(
      BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_FUNC_for_each_map_elem, nil) == 1

  /// "none", "integrity", "confidentiality", or nil where the kernel does not say.
  public static var lockdown: String? {
    guard let text = readText("/sys/kernel/security/lockdown") else { return nil }
    guard let open = text.firstIndex(of: "["), let close = text.firstIndex(of: "]") else {
      return nil
    }
    return String(text[text.index(after: open)..<close])
  }
}

/// The running kernel's own description of its types.
@safe
public struct KernelTypes: ~Copyable {
  private let btf: OpaquePointer

  /// nil without BTF.
  public init?() {
    guard let btf = unsafe btf__load_vmlinux_btf() else { return nil }
    unsafe self.btf = btf
  }

  deinit { unsafe btf__free(btf) }

  /// The number of arguments of a typed tracepoint, without the context; nil when there is none.
  public borrowing func argumentCount(ofTracepoint name: String) -> Int? {
    // typedef void (*btf_trace_NAME)(void *context, …)
    let id = unsafe btf__find_by_name_kind(btf, "btf_trace_\(name)", UInt32(BTF_KIND_TYPEDEF))
    guard id > 0,
      let alias = unsafe btf__type_by_id(btf, UInt32(id)),
      let pointer = unsafe btf__type_by_id(btf, alias.pointee.type),
      let function = unsafe btf__type_by_id(btf, pointer.pointee.type)
    else { return nil }
    return unsafe Int(function.pointee.info & 0xffff) - 1
  }

  /// Whether a struct has a member of one of these names.
  public borrowing func has(struct name: String, memberAmong members: [String]) -> Bool {
    let id = unsafe btf__find_by_name_kind(btf, name, UInt32(BTF_KIND_STRUCT))
    guard id > 0, let type = unsafe btf__type_by_id(btf, UInt32(id)) else { return false }
    // Members follow the type in memory; vlen is in the low bits of info.
    let first = unsafe UnsafeRawPointer(type + 1).assumingMemoryBound(to: btf_member.self)
    for index in 0..<Int(unsafe type.pointee.info & 0xffff) {
      guard let text = unsafe btf__name_by_offset(btf, first[index].name_off) else { continue }
      if unsafe members.contains(String(cString: text)) { return true }
    }
    return false
  }
}
