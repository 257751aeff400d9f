// SPDX-License-Identifier: Apache-2.0
// Certificates and keys as their files have them now, so that rotated ones are used without a
// restart. Owned by the thread that owns the `Transfers`.

internal import Glibc
internal import Platform

/// Files in PEM; nil takes libcurl's default.
package struct TLSFiles: Equatable, Sendable {
  package var authorities: String?
  package var certificate: String?
  package var key: String?

  package init(authorities: String? = nil, certificate: String? = nil, key: String? = nil) {
    self.authorities = authorities
    self.certificate = certificate
    self.key = key
  }
}

/// The contents of the files.
///
/// libcurl gets contents and not paths: it then uses a kept connection only for a request with
/// the same certificates, and never its cache of authorities.
final class TLSMaterial {
  private(set) var authorities: [UInt8]?
  private(set) var certificate: [UInt8]?
  private(set) var key: [UInt8]?
  let files: TLSFiles
  private var seen: [Identity] = []
  private var lookedAt: UInt64?

  private static let lookNanoseconds: UInt64 = 1_000_000_000
  private static let fileByteCount = 1 << 20

  /// What changes when a file is replaced or written to.
  private struct Identity: Equatable {
    let device: dev_t
    let inode: ino_t
    let size: off_t
    let seconds: Int
    let nanoseconds: Int
  }

  init(_ files: TLSFiles) { self.files = files }

  /// Reads the files when one of them has changed, looking at most once a second.
  ///
  /// Fails as long as they were never read all together; later, what was read last stays.
  func refresh(now: UInt64) throws(TransferFailure) {
    guard files != TLSFiles() else { return }
    if let lookedAt, !seen.isEmpty, now < lookedAt + TLSMaterial.lookNanoseconds { return }
    lookedAt = now
    do throws(FileFailure) {
      let identities = try identities()
      guard identities != seen else { return }
      let authorities = try read(files.authorities)
      let certificate = try read(files.certificate)
      let key = try read(files.key)
      (self.authorities, self.certificate, self.key) = (authorities, certificate, key)
      if !seen.isEmpty { Log.info("certificates changed, new connections use them") }
      seen = identities
    } catch {
      guard seen.isEmpty else {
        return Log.warn(
          "cannot read a certificate, the one before stays",
          ["file": error.path, "error": "\(error.error)"])
      }
      throw TransferFailure(kind: .tls, code: 0, message: "\(error.path): \(error.error)")
    }
  }

  private struct FileFailure: Error {
    let path: String
    let error: SystemError
  }

  private func identities() throws(FileFailure) -> [Identity] {
    var found: [Identity] = []
    for case let path? in [files.authorities, files.certificate, files.key] {
      var status = stat()
      guard unsafe stat(path, &status) == 0 else {
        throw FileFailure(path: path, error: .current("stat"))
      }
      // A FIFO would be waited for, by the thread that sends everything.
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw FileFailure(path: path, error: SystemError("open", code: EINVAL))
      }
      found.append(
        Identity(
          device: status.st_dev, inode: status.st_ino, size: status.st_size,
          seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec))
    }
    return found
  }

  private func read(_ path: String?) throws(FileFailure) -> [UInt8]? {
    guard let path else { return nil }
    do throws(SystemError) {
      return try readFile(path, limit: TLSMaterial.fileByteCount)
    } catch {
      throw FileFailure(path: path, error: error)
    }
  }
}
