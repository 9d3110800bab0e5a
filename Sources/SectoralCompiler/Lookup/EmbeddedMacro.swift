import SectoralProject
import SectoralText

/// Where a built-in macro stands and what it calls, as the embedder found it when the program was
/// built.
struct EmbeddedMacro {
  /// Index into `embeddedMacroFiles`.
  let file: Int
  let name: StaticString
  /// Bytes of the file, with both tags.
  let start: Int
  let end: Int
  /// Separated by blanks; empty but for materializations.
  let languages: StaticString
  /// Separated by blanks: `name`, `package.name`, `@name` and `@name@namespace` for a dispatch.
  let calls: StaticString
}

extension StaticString {
  /// What is between the blanks.
  var words: [String] {
    description.split(separator: " ").map(String.init)
  }
}
