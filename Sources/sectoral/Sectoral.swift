import SectoralPostgres
import SectoralProject
import SectoralRunner

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The program: the outside world comes in here, as values, and nowhere else.
@main
enum Sectoral {
  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    // The quickest answer needs no parser.
    if let only = arguments.first, arguments.count == 1, ["--version", "-V", "-v"].contains(only) {
      FileDescriptor.standardOutput.write(Version.report)
      exit(0)
    }
    if arguments.first == ProfileWarehouses.supervisorCommand {
      exit(EmbeddedSupervisor.run(Array(arguments.dropFirst())))
    }
    Allocator.tune()
    // A reader that goes away (`| head`) must not end a run in the middle.
    signal(SIGPIPE, SIG_IGN)
    // Nor must a file that may not grow: the write fails, and says so.
    signal(SIGXFSZ, SIG_IGN)
    let session = Session(
      arguments: arguments,
      environment: ProcessEnvironment.variables,
      output: .standardOutput,
      errors: .standardError
    )
    let status = session.run()
    // Not by `exit`: it takes libraries apart under a thread that may still be connecting.
    fflush(nil)
    _exit(status.rawValue)
  }
}
