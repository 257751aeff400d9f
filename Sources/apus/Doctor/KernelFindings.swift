// SPDX-License-Identifier: Apache-2.0
// What the kernel is and has, and what this process may do with it.

internal import Config
internal import Glibc
internal import Identity
internal import Kernel
internal import Platform

func kernelFindings() -> [Finding] {
  [
    Finding(.kernel, "release", .ok, Features.release),
    btf, lockdown, lsm, jit, clock, cgroups,
    Finding(.kernel, "cpus", .ok, "\(Features.possibleCPUs) possible"),
    Finding(
      .kernel, "buffer", .ok,
      EventBuffer.hasRing ? "ring" : "perf buffers; no ring here (5.8)"),
  ]
}

private var btf: Finding {
  Features.hasBTF
    ? Finding(.kernel, "btf", .ok, "/sys/kernel/btf/vmlinux")
    : Finding(
      .kernel, "btf", .error, "no /sys/kernel/btf/vmlinux; nothing loads without",
      "use a kernel with CONFIG_DEBUG_INFO_BTF; in a container, mount /sys")
}

private var lockdown: Finding {
  switch Features.lockdown {
  case nil:
    Finding(
      .kernel, "lockdown", .warning, "unknown, as securityfs is not mounted",
      "mount -t securityfs none /sys/kernel/security")
  case "confidentiality":
    Finding(
      .kernel, "lockdown", .error, "confidentiality: programs may not read kernel memory",
      "boot with lockdown=integrity or without lockdown")
  case "integrity":
    Finding(
      .kernel, "lockdown", .ok,
      "integrity: programs may not write to user memory; none of ours does")
  case let mode?: Finding(.kernel, "lockdown", .ok, mode)
  }
}

private var lsm: Finding {
  guard let text = readText("/sys/kernel/security/lsm"), !text.isEmpty else {
    return Finding(.kernel, "lsm", .warning, "unknown, as securityfs is not mounted")
  }
  let hasBPF = text.split(separator: ",").contains("bpf")
  return Finding(
    .kernel, "lsm", .ok, hasBPF ? text : "\(text); no bpf, so nothing can be denied by programs")
}

private var jit: Finding {
  let isOff = readText("/proc/sys/net/core/bpf_jit_enable") == "0"
  return isOff
    ? Finding(
      .kernel, "jit", .warning, "off: programs are interpreted, several times slower",
      "sysctl net.core.bpf_jit_enable=1")
    : Finding(.kernel, "jit", .ok, "on")
}

private var clock: Finding {
  let path = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
  let source = readText(path) ?? "unknown"
  // These are read over a bus: about a microsecond, at each event.
  return ["hpet", "acpi_pm", "jiffies"].contains(source)
    ? Finding(
      .kernel, "clock", .warning, "\(source), which takes long to read at each event",
      "boot with clocksource=tsc if the processor's is stable")
    : Finding(.kernel, "clock", .ok, source)
}

private var cgroups: Finding {
  var hasRoot = false
  CgroupPaths.withRoot { hasRoot = $0 >= 0 }
  let mounts = CgroupPaths.mounted
  guard !mounts.isEmpty else {
    return Finding(
      .kernel, "cgroups", .warning, "not mounted: workloads have numbers and no paths",
      "mount -t cgroup2 none /sys/fs/cgroup")
  }
  let layout = mounts.map { "\($0.hierarchy) at \($0.point)" }.joined(separator: ", ")
  return hasRoot
    ? Finding(.kernel, "cgroups", .ok, layout)
    : Finding(
      .kernel, "cgroups", .warning, "\(layout); the root of v2 is not seen",
      "mount the host's /sys/fs/cgroup: without it \(lostWithoutCgroupHooks), and workloads "
        + "outside of this container no path")
}

/// What the hooks on cgroups are for: system calls are seen otherwise.
let lostWithoutCgroupHooks =
  "connects that fail before they send anything have no destination when made by io_uring or "
  + "Fast Open"

func privilegeFindings() -> [Finding] {
  var findings: [Finding] = []
  let missing = Capabilities.missingForTracing()
  let present = Capabilities.all().filter(\.isPresent).map(\.name)
  if missing.isEmpty {
    findings.append(Finding(.privilege, "capabilities", .ok, present.joined(separator: ",")))
  } else {
    findings.append(
      Finding(
        .privilege, "capabilities", .error, "missing \(missing.joined(separator: ","))",
        "run it as root, or grant these in the unit or the pod"))
  }
  findings += optionalCapabilities(present)
  let hasTracefs = unsafe access("/sys/kernel/tracing/events/syscalls", R_OK) == 0
  findings.append(
    hasTracefs
      ? Finding(.privilege, "tracefs", .ok, "/sys/kernel/tracing")
      : Finding(
        .privilege, "tracefs", .warning, "not mounted or not readable",
        "mount -t tracefs tracefs /sys/kernel/tracing: without it failed execs, accepts and "
          + "connects that fail at once are not seen"))
  if missing.isEmpty, OwnProcess.initialID() == nil {
    findings.append(
      Finding(
        .privilege, "own pid", .warning,
        "not known in the host's namespace: the agent cannot leave itself out",
        "run it with hostPID: true"))
  }
  return findings
}

/// What the agent can do without, and then knows less.
private func optionalCapabilities(_ present: [String]) -> [Finding] {
  // CAP_SYS_ADMIN stands for the tracing ones, and for CAP_NET_ADMIN as far as programs go.
  let losses = [
    ("CAP_DAC_READ_SEARCH", "cgroups have no paths", present.contains("CAP_DAC_READ_SEARCH")),
    (
      "CAP_NET_ADMIN", lostWithoutCgroupHooks,
      present.contains("CAP_NET_ADMIN") || present.contains("CAP_SYS_ADMIN")
    ),
  ]
  return losses.filter { !$0.2 }.map { name, loss, _ in
    Finding(.privilege, name, .warning, "missing: \(loss)", "grant it in the unit or the pod")
  }
}
