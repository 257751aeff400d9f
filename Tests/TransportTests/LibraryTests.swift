// SPDX-License-Identifier: Apache-2.0
// What a person is told when a shared library is not there.

import CApus
import Testing

@Suite("shared libraries") struct LibraryTests {
  @Test("a missing library is named with its package and the reason") func missing() {
    var message = [CChar](repeating: 0, count: 256)
    let none = UnsafeMutablePointer<capus_symbol>.allocate(capacity: 1)
    defer { none.deallocate() }
    #expect(
      capus_library_open("libnosuch.so.9", "libnosuch9", none, 0, &message, message.count) == -1)
    let text = message.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } } ?? ""
    #expect(
      text == """
        cannot open libnosuch.so.9 (Debian package libnosuch9): libnosuch.so.9: cannot open shared \
        object file: No such file or directory
        """)
  }
}
