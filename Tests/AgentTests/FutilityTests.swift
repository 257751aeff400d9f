// SPDX-License-Identifier: Apache-2.0
// Of which configurations nothing can come.

import Config
import Testing

@testable import Agent

@Suite("configurations without a use") struct FutilityTests {
  private func told(_ yaml: String) throws -> [String] {
    let settings = try Settings.resolve(
      yaml: Array(yaml.utf8), fileName: "", environment: { _ in nil })
    return Futility.of(settings).map { String($0.what.prefix { $0 != ":" }) }
  }

  @Test("no probe, or nobody to tell") func cases() throws {
    let off = ["exec", "runqlat", "tcpconnect", "tcpretrans", "biolatency"]
      .map { "\($0): { enabled: false }\n" }
    #expect(try told(off.joined()) == ["nothing is watched"])
    #expect(try told(off.dropLast().joined()) == [])
    #expect(try told("listen: off\n") == ["events are only counted"])
    #expect(try told("listen: off\nfile: { path: /tmp/x }\n") == [])
    #expect(try told("listen: off\nexport: { endpoint: http://c:4318 }\n") == [])
    #expect(try told("{}\n") == [])
  }
}
