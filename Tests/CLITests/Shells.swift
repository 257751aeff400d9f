// SPDX-License-Identifier: Apache-2.0
// Programs that read what the tables are written out as.

import Glibc
import Testing

func isInstalled(_ program: String) -> Bool {
  access("/usr/bin/\(program)", X_OK) == 0
}

/// Hands the body the path of a file with this text.
func withFile(_ text: String, _ body: (String) throws -> Void) throws {
  var template = Array("/tmp/apus-cli-XXXXXX".utf8CString)
  let descriptor = mkstemp(&template)
  try #require(descriptor >= 0)
  let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  defer { unlink(path) }
  let bytes = Array(text.utf8)
  try #require(write(descriptor, bytes, bytes.count) == bytes.count)
  close(descriptor)
  try body(path)
}

func shell(_ command: String) -> (code: Int32, output: String) {
  guard let stream = popen(command + " 2>&1", "r") else { return (-1, "") }
  var output: [UInt8] = []
  while case let byte = fgetc(stream), byte != EOF {
    output.append(UInt8(truncatingIfNeeded: byte))
  }
  let status = pclose(stream)
  return (status >> 8 & 0xff, String(decoding: output, as: UTF8.self))
}
