// SPDX-License-Identifier: Apache-2.0
// The exit codes, as every `--help` lists them.

package enum ExitCode: Int32, CaseIterable, Sendable {
  case ok = 0
  case failure = 1
  case usage = 2
  case configuration = 3
  case unavailable = 4
  case alreadyRunning = 5

  package var meaning: String {
    switch self {
    case .ok: "success"
    case .failure: "failed while running"
    case .usage: "wrong command, option or argument"
    case .configuration: "wrong configuration"
    case .unavailable: "a privilege or kernel feature is missing"
    case .alreadyRunning: "another agent is running"
    }
  }
}
