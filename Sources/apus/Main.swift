// SPDX-License-Identifier: Apache-2.0
// The command line: parse, run, and end with the documented code.

internal import CLI
internal import Config
internal import Glibc
internal import Platform

/// The version that the binary and its telemetry bear.
let version = "0.1.0"

/// Ends a command: what to say on standard error, and the code to leave with.
struct Failure: Error {
  let code: ExitCode
  let message: String
}

@main
enum Main {
  static func main() {
    occupyStandardDescriptors()
    do throws(UsageError) {
      let command = try Command.parse(Array(CommandLine.arguments.dropFirst()))
      do throws(Failure) {
        try run(command)
      } catch {
        complain(error.message)
        exit(error.code.rawValue)
      }
    } catch {
      let message = "\(error)"
      complain(message)
      if !message.contains(error.helpCommand) { complain("see: \(error.helpCommand)") }
      exit(ExitCode.usage.rawValue)
    }
  }

  private static func run(_ command: Command) throws(Failure) {
    switch command {
    case .agent(let options): try runAgent(options)
    case .execsnoop(let options): try runExecsnoop(options)
    case .tcpconnect(let options): try runTcpconnect(options)
    case .tcpretrans(let options): try runTcpretrans(options)
    case .runqlat(let options): try runRunqlat(options)
    case .biolatency(let options): try runBiolatency(options)
    case .doctor(let options): try runDoctor(options)
    case .configCheck(let options): try checkConfig(options)
    case .configPrint(let options): try printConfig(options)
    case .configSchema: Output.text(ConfigSchema.text)
    case .describe(let options): describe(options)
    case .version: Output.line("apus \(version)")
    case .completion(let shell): Output.text(shell.completionScript)
    case .man(let spec):
      Output.text(
        spec?.manPage(version: version) ?? CommandTable.manPage(version: version))
    case .helpGroup(let word): Output.text(CommandTable.overview(of: word))
    case .help(let spec): Output.text(spec?.helpText ?? CommandTable.overview)
    }
    Output.flush()
  }

  /// A closed standard stream's number would go to the next file opened, into which what is meant
  /// for the stream would then be written: into the lock's file, or a BPF map.
  private static func occupyStandardDescriptors() {
    for number in STDIN_FILENO...STDERR_FILENO where fcntl(number, F_GETFD) < 0 {
      // The wrong way round, so that its use fails as that of a closed one does.
      _ = unsafe open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }
}

/// Says on standard error why something ends.
func complain(_ message: String) {
  var line = "apus: \(message)\n"
  line.withUTF8 { bytes in
    // Standard error may be closed: there is nowhere left to say so.
    _ = unsafe write(STDERR_FILENO, bytes.baseAddress, bytes.count)
  }
}

/// Looks an environment variable up.
func environment(_ name: String) -> String? {
  guard let value = unsafe getenv(name) else { return nil }
  return unsafe String(cString: value)
}
