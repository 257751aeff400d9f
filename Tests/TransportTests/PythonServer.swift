// SPDX-License-Identifier: Apache-2.0
// A server written in Python that a test starts on a free port and that ends with it.

import Glibc

struct ServerFailure: Error {
  let what: String
}

final class PythonServer {
  let port: UInt16
  private let process: pid_t
  private let input: Int32

  static func path(_ name: String) -> String {
    let directory = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    return "/\(directory)/Servers/\(name)"
  }

  /// Where `python3 -m venv .build/venv` and `pip install -r …/requirements.txt` leave it.
  static let virtualPython: String =
    "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    + "/.build/venv/bin/python3"
  static let hasVirtualPython = access(virtualPython, X_OK) == 0

  /// `at` chooses the port for a script that lets one choose.
  init(_ script: String, python: String = "/usr/bin/python3", at port: UInt16? = nil) throws {
    // One socket pair for input and output, closed on exec, unlike what pipe() makes: the servers
    // of other tests would keep this one's input open.
    var pair: [Int32] = [0, 0]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &pair) == 0 else {
      throw ServerFailure(what: "socketpair: \(errno)")
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, pair[1], 0)
    posix_spawn_file_actions_adddup2(&actions, pair[1], 1)
    var child: pid_t = 0
    let words = [python, Self.path(script)] + (port.map { ["\($0)"] } ?? [])
    var arguments = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    let code = posix_spawn(&child, python, &actions, nil, &arguments, environ)
    close(pair[1])
    input = pair[0]
    process = child
    guard code == 0 else { throw ServerFailure(what: "posix_spawn \(python): \(code)") }
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while read(input, &byte, 1) == 1, byte != UInt8(ascii: "\n") { line.append(byte) }
    guard let port = UInt16(String(decoding: line, as: UTF8.self)) else {
      throw ServerFailure(what: "\(script) did not print a port")
    }
    self.port = port
  }

  /// The script reads its standard input to the end and then exits.
  deinit {
    close(input)
    kill(process, SIGTERM)
    var status: Int32 = 0
    waitpid(process, &status, 0)
  }
}
