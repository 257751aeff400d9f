// SPDX-License-Identifier: Apache-2.0
// What would keep a server from starting, looked for as it would look; nothing stays.

internal import CApus
internal import Glibc

package enum EndpointCheck {
  /// Why libmicrohttpd cannot be used.
  package static func library() -> ServeError? {
    unsafe capus_httpd_open().map { unsafe .library(String(cString: $0)) }
  }

  /// Why the pair is no use; only asked once `library` had nothing to say.
  package static func certificate(_ files: TLSFiles) -> ServeError? {
    do throws(ServeError) { _ = try Certificate(files) } catch { return error }
    return nil
  }

  /// Why nothing can listen there.
  ///
  /// It does for a moment, and lets go.
  package static func address(_ address: ListenAddress) -> ServeError? {
    do throws(ServeError) { _ = close(try address.listen().descriptor) } catch { return error }
    return nil
  }
}
