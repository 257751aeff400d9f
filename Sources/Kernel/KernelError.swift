// SPDX-License-Identifier: Apache-2.0
// What goes wrong between the agent and the kernel, with the likely remedy in the text.

internal import Glibc
public import Platform

/// A step of loading, attaching or reading BPF that the kernel refused.
public enum KernelError: Error, CustomStringConvertible {
  case open(object: StaticString, code: Int32)
  case load(object: StaticString, code: Int32)
  case attach(program: String, code: Int32)
  /// The embedded object lacks what the user half expects: our own build is broken.
  case missing(object: StaticString, part: StaticString)
  case map(StaticString, SystemError)

  public var description: String {
    switch self {
    case .open(let object, let code): "cannot open BPF object \(object): \(reason(code))"
    case .load(let object, let code): "cannot load BPF object \(object): \(reason(code))"
    case .attach(let program, EACCES):
      "cannot attach BPF program \(program): \(errnoText(EACCES)) (EACCES); tracefs cannot be "
        + "read, which needs root or the capability CAP_DAC_READ_SEARCH"
    case .attach(let program, let code): "cannot attach BPF program \(program): \(reason(code))"
    case .missing(let object, let part): "BPF object \(object) has no \(part)"
    case .map(let name, let error): "BPF map \(name): \(error)"
    }
  }

  /// Whether the kernel or its configuration refuses, rather than something having gone wrong.
  public var isRefusal: Bool {
    switch self {
    case .open(_, let code), .load(_, let code), .attach(_, let code):
      [EPERM, EACCES, ESRCH, ENOENT, EOPNOTSUPP].contains(code)
    case .map(_, let error): [EPERM, EACCES].contains(error.code)
    case .missing: false
    }
  }

  private func reason(_ code: Int32) -> String {
    let text = "\(errnoText(code)) (\(errnoName(code)))"
    return switch code {
    case EPERM, EACCES:
      "\(text); it needs root, or the capabilities CAP_BPF and CAP_PERFMON"
    case ESRCH:
      "\(text); this kernel has no /sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF), without which "
        + "programs cannot be fitted to it"
    case ENOENT: "\(text); the hook does not exist on this kernel, or tracefs is not mounted"
    default: text
    }
  }
}
