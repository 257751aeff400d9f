// SPDX-License-Identifier: Apache-2.0
// The headers of a request as libcurl has them.

internal import CApus

/// An owned curl_slist.
@safe
final class HeaderList {
  private(set) var raw: OpaquePointer?

  init(_ headers: [(name: String, value: String)]) throws(TransportError) {
    for (name, value) in headers {
      guard isToken(name), isFieldValue(value) else { throw .header(name: name) }
      // libcurl takes "Name;" to mean a header without a value, "Name:" to mean none at all.
      try append(value.isEmpty ? "\(name);" : "\(name): \(value)")
    }
    // Waiting for 100 Continue would add a round trip to every large batch.
    try append("Expect:")
  }

  private func append(_ line: String) throws(TransportError) {
    guard let longer = unsafe capus_curl_list_append(raw, line) else { throw .outOfMemory }
    unsafe raw = longer
  }

  deinit {
    unsafe capus_curl_list_free(raw)
  }
}

private func isToken(_ name: String) -> Bool {
  !name.isEmpty
    && name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
      }
    }
}

/// No control characters: a line end in a value would start another header.
private func isFieldValue(_ value: String) -> Bool {
  value.utf8.allSatisfy { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }
}
