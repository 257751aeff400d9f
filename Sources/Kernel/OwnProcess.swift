// SPDX-License-Identifier: Apache-2.0
// Who we are to the kernel half, which knows processes by their ids in the initial namespace.

internal import CLibbpf
internal import Glibc
internal import Platform

public enum OwnProcess {
  /// Our id in the initial pid namespace, or nil when it cannot be learned.
  ///
  /// In a container getpid() is another number, which in the initial namespace is somebody else's.
  /// procfs tells no ids of namespaces above its own, so the kernel is asked from a program.
  public static func initialID() -> UInt32? {
    if let asked = askKernel() { return asked }
    return isInInitialNamespace ? UInt32(getpid()) : nil
  }

  /// Runs a program in place (kernels from 5.10): its result is the caller's id.
  private static func askKernel() -> UInt32? {
    let instructions: [UInt64] = [
      0x0000_000e_0000_0085,  // call bpf_get_current_pid_tgid
      0x0000_0020_0000_0077,  // r0 >>= 32
      0x0000_0000_0000_0095,  // exit
    ]
    let raw = unsafe instructions.withUnsafeBytes { bytes in
      unsafe bpf_prog_load(
        BPF_PROG_TYPE_RAW_TRACEPOINT, "apus_self", "Dual BSD/GPL",
        bytes.baseAddress?.assumingMemoryBound(to: bpf_insn.self), instructions.count, nil)
    }
    guard raw >= 0 else { return nil }
    let program = Descriptor(owning: raw)
    var run = unsafe bpf_test_run_opts()
    unsafe run.sz = MemoryLayout<bpf_test_run_opts>.size
    guard unsafe bpf_prog_test_run_opts(program.raw, &run) == 0 else { return nil }
    return unsafe run.retval
  }

  private static var isInInitialNamespace: Bool {
    var status = stat()
    // PROC_PID_INIT_INO, the same on every kernel since 3.8.
    return unsafe stat("/proc/self/ns/pid", &status) == 0 && status.st_ino == 0xeffffffc
  }
}
