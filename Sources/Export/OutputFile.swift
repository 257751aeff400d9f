// SPDX-License-Identifier: Apache-2.0
// A file that lines are appended to, which is never waited for, and which is renamed before it
// becomes too large. Owned by its lane.

internal import Config
internal import Glibc
internal import Platform

final class OutputFile {
  /// Not a file of a directory: nothing can be renamed.
  static let standardOutput = "-"

  private let path: String
  private let rotation: FileRotation
  private var opened: Opened
  /// The file ends within a line, whose rest could not be written.
  private(set) var isTorn = false

  /// Appends to `path`; "-" is standard output.
  init(_ path: String, _ rotation: FileRotation) throws(SystemError) {
    self.path = path
    self.rotation = rotation
    opened = try Opened(path)
    isTorn = opened.endsWithinLine(path)
  }

  /// Opens the file anew when another, or none, has its name by now: log rotation has moved away
  /// what we have, and nobody would read it.
  func follow() throws(SystemError) {
    guard path != OutputFile.standardOutput else { return }
    var status = stat()
    if unsafe stat(path, &status) == 0, Identity(status) == opened.identity { return }
    try open()
  }

  private func open() throws(SystemError) {
    opened = try Opened(path)
    isTorn = opened.endsWithinLine(path)
  }

  /// Begins a new file if `count` bytes more would make this one too large; a longer line has one
  /// to itself.
  func makeRoom(for count: Int) throws(SystemError) {
    // Whoever named a link, or a device, has not asked for it to be renamed.
    guard opened.isRegular, isNamedDirectly else { return }
    let size = try opened.byteCount()
    guard size > 0, size + count > rotation.bytesMax else { return }
    for number in stride(from: rotation.filesMax - 1, through: 1, by: -1) {
      try move(name(number), to: name(number + 1))
    }
    try move(path, to: name(1))
    removeOldest(leavingRoomFor: count)
    try open()
  }

  /// Long lines may have made files larger than they should be: their sum is what is held.
  private func removeOldest(leavingRoomFor count: Int) {
    var total = count
    for number in 1...rotation.filesMax {
      var status = stat()
      guard unsafe lstat(name(number), &status) == 0 else { continue }
      total += Int(status.st_size)
      if total > rotation.bytesMax * (rotation.filesMax + 1) { unsafe unlink(name(number)) }
    }
  }

  /// 1 is the youngest of those that are not written any more.
  private func name(_ number: Int) -> String { "\(path).\(number)" }

  private func move(_ from: String, to target: String) throws(SystemError) {
    guard unsafe rename(from, target) == 0 || errno == ENOENT else { throw .current("rename") }
  }

  private var isNamedDirectly: Bool {
    guard path != OutputFile.standardOutput else { return false }
    var status = stat()
    return unsafe lstat(path, &status) == 0 && Identity(status) == opened.identity
  }

  /// Writes what can be written without waiting, and returns how much that is.
  func write(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
    try unsafe bytes.withUnsafeBufferPointer { bytes throws(SystemError) in
      try unsafe opened.descriptor.writeAvailable(UnsafeRawBufferPointer(bytes))
    }
  }

  /// A line has been written to its end.
  func endLine() { isTorn = false }

  /// Cuts off the `written` bytes of a line that cannot be ended, where nobody else writes.
  func tearLine(after written: Int) {
    guard written > 0 else { return }
    if opened.isRegular, isNamedDirectly, let size = try? opened.byteCount(), size >= written,
      ftruncate(opened.descriptor.raw, size - written) == 0
    {
      return
    }
    isTorn = true
  }
}

private struct Identity: Equatable {
  var device: dev_t
  var inode: ino_t

  init(_ status: stat) {
    device = status.st_dev
    inode = status.st_ino
  }
}

private struct Opened: ~Copyable {
  let descriptor: Descriptor
  let identity: Identity
  /// Neither a pipe nor a device: what was written can be taken back.
  let isRegular: Bool

  init(_ path: String) throws(SystemError) {
    let descriptor = try Opened.open(path)
    var status = stat()
    guard unsafe fstat(descriptor.raw, &status) == 0 else { throw .current("fstat") }
    identity = Identity(status)
    isRegular = status.st_mode & S_IFMT == S_IFREG
    self.descriptor = descriptor
  }

  private static func open(_ path: String) throws(SystemError) -> Descriptor {
    let flags = O_WRONLY | O_APPEND | O_NONBLOCK
    guard path == OutputFile.standardOutput else {
      return try Descriptor(path: path, flags: flags | O_CREAT, mode: 0o640)
    }
    var status = stat()
    guard unsafe fstat(STDOUT_FILENO, &status) == 0 else { throw .current("fstat") }
    // O_NONBLOCK is of the open file, which others share, so a pipe or terminal is opened again.
    if [S_IFIFO, S_IFCHR].contains(status.st_mode & S_IFMT),
      let own = try? Descriptor(path: "/proc/self/fd/\(STDOUT_FILENO)", flags: flags)
    {
      return own
    }
    let copy = dup(STDOUT_FILENO)
    guard copy >= 0 else { throw .current("dup") }
    return Descriptor(owning: copy)
  }

  borrowing func byteCount() throws(SystemError) -> Int {
    var status = stat()
    guard unsafe fstat(descriptor.raw, &status) == 0 else { throw .current("fstat") }
    return Int(status.st_size)
  }

  /// An agent that was killed may have left a line without its end.
  borrowing func endsWithinLine(_ path: String) -> Bool {
    guard isRegular, path != OutputFile.standardOutput, let size = try? byteCount(), size > 0,
      let reader = try? Descriptor(path: path, flags: O_RDONLY)
    else { return false }
    var last: UInt8 = 0
    return unsafe pread(reader.raw, &last, 1, size - 1) == 1 && last != UInt8(ascii: "\n")
  }
}
