// SPDX-License-Identifier: Apache-2.0
// Why an agent does not start.

package import Export
package import Kernel
package import Platform
package import Serve

package enum AgentError: Error, CustomStringConvertible {
  case alreadyRunning(pid: String)
  case lock(path: String, SystemError)
  case kernel(KernelError)
  case export(ExportError)
  case serve(ServeError)
  case system(SystemError)

  package var description: String {
    switch self {
    case .alreadyRunning(let pid):
      "another agent is running with pid \(pid); stop it first, or use the tools beside it"
    case .lock(let path, let error):
      "cannot lock \(path): \(error); give it a writable /run, in a container the host's"
    case .kernel(let error): "\(error)"
    case .export(let error): "\(error)"
    case .serve(let error): "\(error)"
    case .system(let error): "\(error)"
    }
  }
}
