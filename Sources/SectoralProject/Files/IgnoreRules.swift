#if canImport(Glibc)
import Glibc
#endif

/// The patterns of `.dbtignore`: the syntax of .gitignore, against paths from the project's root.
package struct IgnoreRules: Sendable {
  private struct Rule {
    let pattern: String
    let isNegated: Bool
    let isAnchored: Bool
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
      while pattern.hasSuffix("/") { pattern = pattern.dropLast() }
      let isAnchored = pattern.contains("/")
      if pattern.hasPrefix("/") { pattern = pattern.dropFirst() }
      return Rule(pattern: String(pattern), isNegated: isNegated, isAnchored: isAnchored)
    }
  }

  /// The last rule that matches the file, or a folder above it, decides.
  package func matches(_ path: String) -> Bool {
    guard !rules.isEmpty else { return false }
    var ignored = false
    let parts = path.split(separator: "/")
    for rule in rules {
      let hit = parts.indices.contains { index in
        let whole = parts[...index].joined(separator: "/")
        return matches(rule, whole, name: String(parts[index]))
      }
      if hit { ignored = !rule.isNegated }
    }
    return ignored
  }

  private func matches(_ rule: Rule, _ path: String, name: String) -> Bool {
    guard rule.isAnchored else { return fnmatch(rule.pattern, name, 0) == 0 }
    if rule.pattern.hasPrefix("**/") {
      let rest = String(rule.pattern.dropFirst(3))
      return fnmatch(rest, path, FNM_PATHNAME) == 0 || fnmatch("*/\(rest)", path, 0) == 0
    }
    if rule.pattern.contains("**") { return fnmatch(rule.pattern, path, 0) == 0 }
    return fnmatch(rule.pattern, path, FNM_PATHNAME) == 0
  }
}
