// SPDX-License-Identifier: Apache-2.0
// A page that is being made: its bytes as they are, or compressed as they come, so that a page that
// goes out compressed is never whole in memory. Owned by the thread that answers.

internal import Platform

/// Kept between scrapes with its buffers.
package struct PrometheusPage: ~Copyable {
  /// What is compressed at a time.
  private static let chunkBytes = 64 << 10
  /// Fast: as pages repeat themselves, more effort gains little.
  private static let level: Int32 = 1
  /// A chunk that a large family made larger is not kept.
  private static let keptBytes = 1 << 20

  /// Where the exposition appends.
  package var bytes: [UInt8] = []
  private var output: [UInt8] = []
  private var gzip: Gzip?
  private var isCompressing = false

  package init() {}

  /// Starts in `buffer`, whose contents do not matter; false when memory is short.
  package mutating func begin(in buffer: consuming [UInt8], isGzipped: Bool) -> Bool {
    isCompressing = isGzipped
    if isGzipped {
      if gzip == nil { gzip = Gzip(level: PrometheusPage.level) }
      guard gzip != nil else { return false }
      output = consume buffer
      output.removeAll(keepingCapacity: true)
    } else {
      bytes = consume buffer
    }
    bytes.removeAll(keepingCapacity: true)
    return true
  }

  /// Compresses what has come together, if that is much.
  package mutating func drain() {
    if isCompressing, bytes.count >= PrometheusPage.chunkBytes { compress() }
  }

  /// The whole page; the buffer that it is in goes with it.
  package mutating func finish() -> [UInt8] {
    guard isCompressing else {
      let page = bytes
      bytes = []
      return page
    }
    compress()
    gzip?.finish(to: &output)
    if bytes.capacity > PrometheusPage.keptBytes { bytes = [] }
    let page = output
    output = []
    return page
  }

  private mutating func compress() {
    unsafe bytes.withUnsafeBytes { unsafe gzip?.append($0, to: &output) }
    bytes.removeAll(keepingCapacity: true)
  }
}
