// SPDX-License-Identifier: Apache-2.0
// From a record's fields to the words of a row.

internal import CApusABI
internal import CLI
internal import Glibc
internal import Platform

/// What a row of text needs of a record.
enum Shown {
  static func comm(_ process: apus_process) -> String {
    unsafe withUnsafeBytes(of: process.comm) { comm in
      unsafe String(decoding: comm.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  /// The two addresses of a connection, by family.
  static func addresses(
    _ ends: apus_ends
  ) -> (family: IPFamily?, local: String, remote: String) {
    // What could not be read is not 0.0.0.0.
    guard ends.family != 0 else { return (nil, "-", "-") }
    let isIPv6 = Int32(ends.family) == AF_INET6
    return (
      isIPv6 ? .ipv6 : .ipv4, address(of: ends.local, isIPv6), address(of: ends.remote, isIPv6)
    )
  }

  private static func address<Bytes>(of bytes: Bytes, _ isIPv6: Bool) -> String {
    var text = AddressText()
    unsafe withUnsafeBytes(of: bytes) { unsafe text.set(RawSpan(_unsafeBytes: $0), isIPv6: isIPv6) }
    return text.string
  }

  /// When it happened: for people the local time of day, for programs all of it.
  static func time(_ header: apus_header, json: Bool) -> String {
    let unix = Clock.shared.unixNanoseconds(boot: header.time_ns)
    return json ? iso8601(unixNanoseconds: unix) : Tool.timeOfDay(unixSeconds: unix / 1_000_000_000)
  }
}
