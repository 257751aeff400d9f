// SPDX-License-Identifier: Apache-2.0
// What helps against each loss; README's table of the ledger has the same words.

extension Loss {
  public var remedy: String {
    switch self {
    case .filteredSelf: "nothing: it is meant"
    case .filteredScope: "nothing: it was asked for"
    case .untracked: "a few are normal around the start and the end"
    case .ringFull: "raise buffers.ring"
    case .truncated, .unknownKind, .tooLarge: "report it"
    case .queueFull: "raise export.queue, mend the collector"
    case .refused, .rejected: "see the agent's log"
    case .expired: "mend the collector"
    case .requestTooLarge: "lower export.batch_bytes, raise the limit"
    case .shutdown: "nothing: it sends for 5 s and then ends"
    case .writeFailed: "make room on the disk, look at path and rights; the log says which"
    }
  }
}
