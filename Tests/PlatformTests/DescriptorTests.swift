// SPDX-License-Identifier: Apache-2.0
// Pipes and files of the test's own.

import Glibc
import Platform
import Synchronization
import Testing

private func makePipe() throws -> (read: CInt, write: CInt) {
  var ends: [CInt] = [-1, -1]
  try #require(pipe(&ends) == 0)
  return (ends[0], ends[1])
}

