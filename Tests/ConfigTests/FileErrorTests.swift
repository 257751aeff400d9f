// SPDX-License-Identifier: Apache-2.0
// Files that cannot be written in a table of wrong ones: bytes, sizes, what cannot be read.

import Config
import Testing

@Suite("a file that is no text of a fair size is refused")
struct FileErrorTests {
  @Test("bytes that are no UTF-8 are refused at their line")
  func notUTF8() {
    let bytes = Array("listen: off\nlog: ".utf8) + [0xff, 0xfe]
    let error = #expect(throws: ConfigError.self) {
      try Settings.resolve(yaml: bytes, fileName: "apus.yaml", environment: { _ in nil })
    }
    #expect(
      error?.description
        == "apus.yaml:2:6: is not YAML (invalid leading UTF-8 octet); mend the syntax at this place"
    )
  }

  @Test("64 KiB are read and one byte more is refused")
  func largeFile() throws {
    let limit = Limits.fileBytes
    let comment = "#" + String(repeating: "x", count: limit - 1)
    #expect(refusal(comment) == nil)
    #expect(
      refusal(comment + "x")
        == "apus.yaml:1:1: is larger than 64 KiB; a configuration fits in that, remove text")
  }

  @Test("a missing file and a directory are refused by name")
  func unreadable() {
    func message(_ path: String) -> String? {
      do throws(ConfigError) {
        _ = try Settings.load(file: path, environment: { _ in nil })
        return nil
      } catch { return error.description }
    }
    #expect(
      message("/nonexistent.yaml")
        == "/nonexistent.yaml: cannot be read (No such file or directory); "
        + "give a file that this user may read")
    #expect(message("/etc") == "/etc:1:1: is not a regular file; give a YAML file")
  }

  @Test("an empty file, a comment and empty sections are the defaults")
  func emptyFiles() {
    for yaml in ["", "# nothing\n", "---\n", "exec:\nexport:\n  logs:\n"] {
      #expect(refusal(yaml) == nil, "\(yaml)")
    }
  }
}
