// SPDX-License-Identifier: Apache-2.0
// How far an exchange had come when it ended, by libcurl's own clock and counters: its codes and
// words are the same for a name that is not resolved in time and a collector that says nothing.

internal import CApus
internal import CCurl

struct Ending {
  enum Stage {
    case resolving, connecting
    /// Connected, and the handshake is not over.
    case securing
    case answering
  }

  private(set) var stage = Stage.answering
  /// Connections opened for this exchange; 0 when a kept one was used.
  private(set) var connectionsOpened = 0
  /// Of a proxy's answer to CONNECT; 0 when there was none.
  private(set) var proxyStatus = 0
  /// Of the connect that failed last.
  private(set) var errno: Int32 = 0

  /// `hasBegun` when something of the request was sent, or of the answer came.
  init(_ easy: OpaquePointer, hasBegun: Bool, isHandshakeBegun: Bool) {
    func number(_ info: CURLINFO) -> Int {
      var value = 0
      // What a libcurl does not know is as if it had not happened.
      return unsafe capus_curl_get_long(easy, info.rawValue, &value) == 0 ? value : 0
    }
    func hasHappened(_ info: CURLINFO) -> Bool {
      var microseconds: Int64 = 0
      return unsafe capus_curl_get_offset(easy, info.rawValue, &microseconds) == 0
        && microseconds > 0
    }
    connectionsOpened = number(CURLINFO_NUM_CONNECTS)
    proxyStatus = number(CURLINFO_HTTP_CONNECTCODE)
    errno = Int32(clamping: number(CURLINFO_OS_ERRNO))
    // On a connection that is shared, nothing of what comes before may have a time.
    if hasBegun || number(CURLINFO_REQUEST_SIZE) > 0 { return }
    if !hasHappened(CURLINFO_NAMELOOKUP_TIME_T) {
      stage = .resolving
    } else if isHandshakeBegun, !hasHappened(CURLINFO_APPCONNECT_TIME_T) {
      // 7.88 takes the time of the connect only after that of TLS.
      stage = .securing
    } else if !hasHappened(CURLINFO_CONNECT_TIME_T) {
      stage = .connecting
    }
  }
}
