// SPDX-License-Identifier: Apache-2.0
// A BPF array that user space reads in place (BPF_F_MMAPABLE): no system call, no copy.

internal import Glibc
internal import Platform

/// Maps an array of `Element`; reading races with the kernel by design, one counter at a time.
@safe
public struct MappedArray<Element: BitwiseCopyable>: ~Copyable {
  private let base: UnsafeMutableRawPointer
  private let length: Int
  public let count: Int

  /// Maps the array behind `descriptor`, which may be closed afterwards.
  public init(_ name: StaticString, descriptor: CInt, count: Int) throws(KernelError) {
    let page = sysconf(CInt(_SC_PAGESIZE))
    length = (count * MemoryLayout<Element>.stride + page - 1) / page * page
    self.count = count
    guard let base = unsafe mmap(nil, length, PROT_READ, MAP_SHARED, descriptor, 0),
      unsafe base != MAP_FAILED
    else { throw .map(name, .current("mmap")) }
    unsafe self.base = base
  }

  deinit { unsafe munmap(base, length) }

  /// The address of an element, valid as long as the array is mapped.
  borrowing func pointer(_ index: Int) -> UnsafeRawPointer {
    precondition(index >= 0 && index < count, "index beyond the BPF array")
    return unsafe UnsafeRawPointer(base + index * MemoryLayout<Element>.stride)
  }
}
