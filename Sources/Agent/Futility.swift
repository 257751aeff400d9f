// SPDX-License-Identifier: Apache-2.0
// Configurations that are right, and of which nothing can come.

package import Config
internal import Export
internal import Probes

package struct Futility: Sendable {
  package let what: String
  package let remedy: String

  package static func of(_ settings: Settings) -> [Futility] {
    if probeRows.allSatisfy({ !$0.isWanted(settings) }) {
      return [
        Futility(
          what: "nothing is watched: no probe is enabled",
          remedy: "set exec.enabled, tcpconnect.enabled, tcpretrans.enabled, runqlat.enabled or "
            + "biolatency.enabled")
      ]
    }
    guard Exporter.destinations(settings).isEmpty, settings.listen == nil else { return [] }
    return [
      Futility(
        what: "events are only counted: there is no destination, and listen is off",
        remedy: "set export.endpoint, file.path or listen")
    ]
  }
}
