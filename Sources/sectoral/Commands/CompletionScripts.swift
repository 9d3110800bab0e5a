import ArgumentParser

/// Scripts that complete our commands and flags in a shell.
enum CompletionScripts {
  /// nil for a shell there is no script for.
  static func script(for shell: String) -> String? {
    CompletionShell(rawValue: shell).map { RootCommand.completionScript(for: $0) + "\n" }
  }
}
