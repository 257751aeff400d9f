// SPDX-License-Identifier: Apache-2.0
// Which proxy stands on the way, by libcurl's rules: it has no question for that before 8.7, and
// tells it nobody when the connection fails.

internal import Glibc

extension Proxy {
  /// "HOST:PORT" of the proxy that requests to `url` go through; nil when they go straight.
  ///
  /// Never its name and password.
  package func place(
    for url: String, environment: (String) -> String? = environmentVariable
  ) -> String? {
    switch self {
    case .none: return nil
    case .url(let proxy): return placeOf(proxy)
    case .environment:
      let (scheme, host) = split(url)
      if let list = first(["no_proxy", "NO_PROXY"], environment), isListed(host, in: list) {
        return nil
      }
      // HTTP_PROXY is what a header "Proxy" becomes in CGI, so it does not count.
      let names = scheme == "https" ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy"]
      return first(names + ["all_proxy", "ALL_PROXY"], environment).map(placeOf)
    }
  }
}

/// One that is empty is as one that is not set.
private func first(_ names: [String], _ environment: (String) -> String?) -> String? {
  names.compactMap { environment($0) }.first { !$0.isEmpty }
}

package func environmentVariable(_ name: String) -> String? {
  guard let value = unsafe getenv(name) else { return nil }
  return unsafe String(cString: value)
}

/// Scheme and host, the latter without brackets and port.
private func split(_ url: String) -> (scheme: String, host: String) {
  let parts = url.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
  guard parts.count == 3 else { return ("", url) }
  let authority = parts[2].prefix { $0 != "/" && $0 != "?" }
  let host =
    authority.hasPrefix("[")
    ? authority.dropFirst().prefix { $0 != "]" } : authority.prefix { $0 != ":" }
  return (parts[0].dropLast().lowercased(), host.lowercased())
}

private func placeOf(_ proxy: String) -> String {
  let rest = proxy.firstRange(of: "://").map { proxy[$0.upperBound...] } ?? proxy[...]
  let scheme = proxy.firstRange(of: "://").map { proxy[..<$0.lowerBound].lowercased() }
  let authority = rest.prefix { $0 != "/" && $0 != "?" }
  let place = authority.split(separator: "@").last ?? ""
  let afterBracket = place.lastIndex(of: "]") ?? place.startIndex
  guard !place[afterBracket...].contains(":") else { return String(place) }
  return "\(place):\(scheme == "https" ? 443 : 1080)"
}

/// Names with all that ends in them, addresses, and networks.
private func isListed(_ host: String, in list: String) -> Bool {
  if list == "*" { return true }
  let address = Address(host)
  for entry in list.lowercased().split(whereSeparator: { $0 == "," || $0 == " " }) {
    if let address {
      let parts = entry.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
      let text = parts[0].hasPrefix("[") ? parts[0].dropFirst().dropLast() : parts[0]
      guard let network = Address(String(text)) else { continue }
      let length = parts.count > 1 ? Int(parts[1]) : network.bytes.count * 8
      if let length, address.isWithin(network, length) { return true }
    } else {
      let name = entry.hasPrefix(".") ? entry.dropFirst() : entry
      if host == name || host.hasSuffix(".\(name)") { return true }
    }
  }
  return false
}

private struct Address {
  private(set) var bytes: [UInt8]

  init?(_ text: String) {
    bytes = [UInt8](repeating: 0, count: 4)
    if unsafe inet_pton(AF_INET, text, &bytes) == 1 { return }
    bytes = [UInt8](repeating: 0, count: 16)
    guard unsafe inet_pton(AF_INET6, text, &bytes) == 1 else { return nil }
  }

  func isWithin(_ network: Address, _ length: Int) -> Bool {
    guard bytes.count == network.bytes.count, (0...bytes.count * 8).contains(length) else {
      return false
    }
    return (0..<length).allSatisfy { bit in
      let mask: UInt8 = 0x80 >> UInt8(bit % 8)
      return (bytes[bit / 8] ^ network.bytes[bit / 8]) & mask == 0
    }
  }
}
