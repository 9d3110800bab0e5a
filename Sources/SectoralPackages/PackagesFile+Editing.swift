internal import SectoralProject
internal import SectoralText
internal import SectoralYAML

/// `deps --add-package`: where the package comes from.
package enum AddedPackageSource: String, Sendable, Hashable, CaseIterable {
  case hub
  case git
  case local
}

/// A new text of packages.yml with one more entry.
struct PackagesEdit {
  let path: String
  /// Whether there was no file before.
  let isNew: Bool
  let text: String
  /// The entries that the new one takes the place of, as Python prints them.
  let removed: [String]
  let name: String
  let version: String

  /// `package`: `name@version`.
  init(adding package: String, from source: AddedPackageSource, root: String) throws(Failure) {
    let at = package.lastIndex(of: "@").flatMap { Self.separates($0, package, source) ? $0 : nil }
    let name = String(at.map { package[..<$0] } ?? package[...])
    self.name = name
    version = String(at.map { package[package.index(after: $0)...] } ?? "")
    if version.isEmpty, source != .local {
      throw Failure(
        .usage,
        Diagnostic(
          id: "packages.add-version",
          message: "Version is required in --add-package when a package when source is "
            + source.rawValue,
          hint: "write, for instance, "
            + (source == .hub
              ? "--add-package 'dbt-labs/dbt_utils@>=1.0.0,<2.0.0'"
              : "--source git --add-package \(package)@v1.0.0")
        )
      )
    }
    // Where packages stand already; else where there is a file; else packages.yml.
    var file = "packages.yml"
    var node: YAMLNode?
    for name in PackagesFile.names {
      guard let found = try PackagesFile.parse("\(root)/\(name)", shown: name) else { continue }
      if found["packages"] == nil, name != "packages.yml" { continue }
      (file, node) = (name, found)
      break
    }
    path = "\(root)/\(file)"
    isNew = !FileSystem.exists(path)
    let entry = Self.entry(name, version, source)
    let old = node?["packages"]?.sequence ?? []
    let kept = old.filter { !Self.isSame($0, as: name, source) }
    removed = old.filter { Self.isSame($0, as: name, source) }.map(\.datum.pythonRepr)
    var data = node?.datum.map ?? DatumMap()
    data["packages"] = .list(kept.map(\.datum) + [.map(entry)])
    let written = YAMLWriter.text(of: .map(data), sortKeys: true, indentsLists: true)
    text = Self.keepingComments(node, old, kept, entry, data) ?? written
  }

  /// An `@` can also be part of an address: git@host:path.
  private static func separates(
    _ at: String.Index,
    _ package: String,
    _ source: AddedPackageSource
  ) -> Bool {
    let rest = package[package.index(after: at)...]
    if source == .git {
      return !rest.contains(":") && !(rest.contains("/") && !package.contains("://"))
    }
    return true
  }

  private static func entry(
    _ name: String,
    _ version: String,
    _ source: AddedPackageSource
  ) -> DatumMap {
    switch source {
    case .hub:
      let bare = version.filter { !"[]\"' ".contains($0) }
      let parts = bare.split(separator: ",").map { Datum.string(String($0)) }
      return ["package": .string(name), "version": parts.count == 1 ? parts[0] : .list(parts)]
    case .git: return ["git": .string(name), "revision": .string(version)]
    case .local: return ["local": .string(name)]
    }
  }

  private static func isSame(
    _ node: YAMLNode,
    as name: String,
    _ source: AddedPackageSource
  ) -> Bool {
    let key =
      switch source {
      case .hub: "package"
      case .git: "git"
      case .local: "local"
      }
    return node[key]?.string == name
  }

  /// The old text with the entry behind the last one of the list, if that says what is meant; nil
  /// where the list is not written line by line.
  private static func keepingComments(
    _ node: YAMLNode?,
    _ old: [YAMLNode],
    _ kept: [YAMLNode],
    _ entry: DatumMap,
    _ data: DatumMap
  ) -> String? {
    guard let node, kept.count == old.count, let last = old.last else { return nil }
    let file = node.span.file
    let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    // The last line of the last entry: a span may reach over blank lines and comments below it.
    var end = file.position(at: max(last.span.start, last.span.end - 1)).line
    let start = file.position(at: last.span.start).line
    while end > start {
      let bare = lines[end - 1].trimmingBlanks
      if !bare.isEmpty, !bare.hasPrefix("#") { break }
      end -= 1
    }
    guard let dash = lines[start - 1].firstIndex(of: "-") else { return nil }
    let indent = String(lines[start - 1][..<dash])
    guard indent.allSatisfy({ $0 == " " }) else { return nil }
    let item = YAMLWriter.text(of: .list([.map(entry)]), sortKeys: true, indentsLists: true)
    let added = item.split(separator: "\n").map { indent + $0 }
    let text = (lines[..<end] + added + lines[end...]).joined(separator: "\n")
    let whole = text.hasSuffix("\n") ? text : text + "\n"
    let (read, diagnostics) = YAMLParser.parse(SourceFile(path: file.path, text: whole))
    guard diagnostics.allSatisfy({ $0.severity != .error }), read?.datum == .map(data) else {
      return nil
    }
    return whole
  }
}
