#if canImport(Glibc)
import Glibc
#endif

/// The patterns of `.dbtignore`: the syntax of .gitignore, against paths from the project's root.
package struct IgnoreRules: Sendable {
  private struct Rule {
    /// The parts between the slashes; `**` stands for any number of folders.
    let parts: [Substring]
    let isNegated: Bool
    /// Written with a slash at its end: a file of that name is not meant.
    let isFolder: Bool
  }
  private let rules: [Rule]

  package init(projectRoot: String) throws(Failure) {
    let path = "\(projectRoot)/.dbtignore"
    let bytes = FileSystem.exists(path) ? try FileSystem.read(path) : []
    self.init(text: String(decoding: bytes, as: UTF8.self))
  }

  package init(text: String) {
    rules = text.split(whereSeparator: \.isNewline).compactMap { line in
      var pattern = line.trimmingBlanks
      guard !pattern.isEmpty, !pattern.hasPrefix("#") else { return nil }
      let isNegated = pattern.hasPrefix("!")
      if isNegated { pattern = pattern.dropFirst() }
      let isFolder = pattern.hasSuffix("/")
      while pattern.hasSuffix("/") { pattern = pattern.dropLast() }
      // A bare name is meant in every folder.
      let isAnchored = pattern.contains("/")
      let parts = pattern.split(separator: "/")
      guard !parts.isEmpty else { return nil }
      return Rule(
        parts: isAnchored ? parts : ["**"] + parts,
        isNegated: isNegated,
        isFolder: isFolder
      )
    }
  }

  /// The last rule that matches the file, or a folder above it, decides.
  package func matches(_ path: String) -> Bool {
    guard !rules.isEmpty else { return false }
    var ignored = false
    let parts = path.split(separator: "/")
    for rule in rules {
      let candidates = rule.isFolder ? parts.dropLast().indices : parts.indices
      if candidates.contains(where: { Self.matches(rule.parts[...], parts[...$0]) }) {
        ignored = !rule.isNegated
      }
    }
    return ignored
  }

  private static func matches(
    _ pattern: ArraySlice<Substring>,
    _ path: ArraySlice<Substring>
  ) -> Bool {
    guard let first = pattern.first else { return path.isEmpty }
    let rest = pattern.dropFirst()
    if first == "**" {
      // At the end it means what is inside the folder, not the folder.
      if rest.isEmpty { return !path.isEmpty }
      return (path.startIndex...path.endIndex).contains { matches(rest, path[$0...]) }
    }
    guard let name = path.first else { return false }
    return fnmatch(String(first), String(name), 0) == 0 && matches(rest, path.dropFirst())
  }
}
