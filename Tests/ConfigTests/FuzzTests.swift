// SPDX-License-Identifier: Apache-2.0
// Damaged files: whatever a byte becomes, there is a decision and never a crash.

import Config
import Testing

@Suite("damaged files")
struct FuzzTests {
  private static let whole = """
    exec: { enabled: false, args: none }
    buffers: { ring: 64KiB, wake_latency: 1ms }
    export:
      endpoint: "https://[::1]:4318/base?x=1"
      headers: { authorization: Bearer x }
      logs: { exporter: [console, otlp], protocol: grpc }
    listen: "[::1]:0"
    resource: { attributes: { a: 1, "b\\n": 'x y' } }
    """

  @Test("ten thousand damaged files are each accepted or refused with a place")
  func damage() {
    var state: UInt64 = 88_172_645_463_325_252
    func next(_ bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(bound))
    }
    var refused = 0
    for _ in 0..<10_000 {
      var bytes = Array(Self.whole.utf8)
      for _ in 0...next(3) { bytes[next(bytes.count)] = UInt8(next(256)) }
      if next(4) == 0 { bytes.removeLast(next(bytes.count)) }
      do throws(ConfigError) {
        _ = try Settings.resolve(yaml: bytes, fileName: "f", environment: { _ in nil })
      } catch {
        refused += 1
        #expect(error.description.hasPrefix("f:"), "\(error)")
      }
    }
    #expect(refused > 5000)
  }
}
