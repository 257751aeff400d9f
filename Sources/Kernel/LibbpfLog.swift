// SPDX-License-Identifier: Apache-2.0
// libbpf's messages, routed to our own log at a level below the one libbpf gives them.

internal import CApus
internal import Platform

/// Installs the route; once, before the first object is opened.
///
/// What libbpf warns of is for us a detail: the error that follows is what the user is told.
public func routeLibbpfLog() {
  unsafe capus_libbpf_log { level, text in
    guard level < 2, Log.writes(.debug) else { return }
    Log.debug("libbpf", ["text": unsafe String(cString: text)])
  }
}
