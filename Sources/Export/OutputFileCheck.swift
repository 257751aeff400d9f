// SPDX-License-Identifier: Apache-2.0
// Whether the agent could open the files that it is to write, without making or changing one.

package import Config
internal import Glibc
package import Platform

package struct OutputFileCheck: Sendable {
  package let path: String
  /// nil when it can be opened, or made.
  package let fault: SystemError?

  /// One for each file; standard output is there by itself.
  package static func run(_ settings: Settings) -> [OutputFileCheck] {
    guard let path = settings.otlpFile, path != OutputFile.standardOutput else { return [] }
    return FileLane.paths(path, Exporter.fileSignals(settings)).map { _, path in
      OutputFileCheck(path: path, fault: look(path))
    }
  }

  private static func look(_ path: String) -> SystemError? {
    var status = stat()
    if unsafe stat(path, &status) == 0 {
      if status.st_mode & S_IFMT == S_IFDIR { return SystemError("open", code: EISDIR) }
      return mayUse(path, W_OK)
    }
    guard errno == ENOENT else { return .current("open") }
    let slash = path.lastIndex(of: "/")
    let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    guard slash.map({ path.index(after: $0) }) != path.endIndex else {
      return SystemError("open", code: EISDIR)
    }
    return mayUse(directory, W_OK | X_OK)
  }

  private static func mayUse(_ path: String, _ mode: Int32) -> SystemError? {
    unsafe faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0 ? nil : .current("open")
  }
}
