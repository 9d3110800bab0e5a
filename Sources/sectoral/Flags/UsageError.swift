/// A command line that cannot be obeyed: said on standard error, exit code 2.
struct UsageError: Error, Sendable, Hashable {
  /// One sentence, as it follows `Error: `.
  var message: String
  /// `run`, `db status`; nil when no command was recognised.
  var command: String?

  init(_ message: String, command: String? = nil) {
    self.message = message
    self.command = command
  }

  /// Usage, where to find help, a blank line, the error.
  var text: String {
    let program = command.map { "sectoral \($0)" } ?? "sectoral"
    let shape = command == nil ? "[OPTIONS] [COMMAND] [ARGS]..." : "[OPTIONS]"
    return """
      Usage: \(program) \(shape)
      Try '\(program) --help' for help.

      Error: \(message)

      """
  }
}
