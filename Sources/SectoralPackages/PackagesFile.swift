package import SectoralProject
internal import SectoralText
package import SectoralYAML

/// Renders the templates in a value: with secrets, or without any of them being looked up.
package typealias PackageRenderer = (YAMLNode) throws(Failure) -> YAMLNode

/// The packages that a project declares, in packages.yml or dependencies.yml.
package struct PackagesFile: Sendable {
  package let entries: [PackageEntry]
  /// The file's name, relative to the project; nil where there is none.
  package let name: String?
  /// `projects:` of dependencies.yml names other projects of the platform.
  package let projects: [String]

  package static let names = ["packages.yml", "dependencies.yml"]

  /// `root`: The folder of a project, absolute.
  /// `shownFolder`: How messages show it: empty for the project itself.
  package static func read(
    root: String,
    shownFolder: String = "",
    render: PackageRenderer
  ) throws(Failure) -> PackagesFile {
    var found: PackagesFile?
    var projects: [String] = []
    for name in names {
      guard let node = try parse("\(root)/\(name)", shown: shownFolder + name) else { continue }
      let isDependencies = name == "dependencies.yml"
      for (key, _) in node.mapping ?? [] where key.keyText != "packages" {
        if key.keyText == "projects" {
          if isDependencies { continue }
          throw Failure(
            .runtime,
            Diagnostic(
              id: "packages.projects",
              message: "The 'projects' key cannot be specified in packages.yml",
              span: key.span,
              hint: "it belongs into dependencies.yml"
            )
          )
        }
        if isDependencies { continue }
        let near = Spelling.nearest(to: key.keyText, among: ["packages"])
        throw Failure(
          .runtime,
          PackageProblem.malformed(
            name,
            "Additional properties are not allowed ('\(key.keyText)' was unexpected)",
            at: key.span,
            hint: near.map { "did you mean '\($0)'?" } ?? "its only key is 'packages'"
          )
        )
      }
      projects += (node["projects"]?.sequence ?? []).compactMap { $0["name"]?.string }
      guard let list = node.entry("packages") else { continue }
      if found != nil {
        throw Failure(
          .runtime,
          Diagnostic(
            id: "packages.both",
            message: "The 'packages' key cannot be specified in both packages.yml and "
              + "dependencies.yml",
            span: list.key.span,
            hint: "keep the list in one of them"
          )
        )
      }
      let entries = try Self.entries(of: list.value, name, isDependencies ? { $0 } : render)
      found = PackagesFile(entries: entries, name: name, projects: [])
    }
    return PackagesFile(entries: found?.entries ?? [], name: found?.name, projects: projects)
  }

  /// The file as a mapping; nil where there is none, or nothing in it.
  static func parse(_ path: String, shown: String) throws(Failure) -> YAMLNode? {
    guard FileSystem.exists(path) else { return nil }
    let file = SourceFile(path: shown, bytes: try FileSystem.read(path))
    let (node, diagnostics) = YAMLParser.parse(file)
    let errors = diagnostics.filter { $0.severity == .error }
    guard errors.isEmpty else { throw Failure(.runtime, errors.map(\.asSyntaxError)) }
    guard let node, !node.isNull else { return nil }
    guard node.mapping != nil else {
      throw Failure(
        .runtime,
        PackageProblem.malformed(
          shown,
          "it is \(node.kindName)",
          at: node.span,
          hint: "it begins with 'packages:', and a list follows"
        )
      )
    }
    return node
  }

  /// The entries of a list: all that is wrong with them is reported together.
  static func entries(
    of list: YAMLNode,
    _ file: String,
    _ render: PackageRenderer
  ) throws(Failure) -> [PackageEntry] {
    if list.isNull { return [] }
    guard let items = list.sequence else {
      throw Failure(
        .runtime,
        PackageProblem.malformed(
          file,
          "'packages' is \(list.kindName)",
          at: list.span,
          hint: "write a list: - package: dbt-labs/dbt_utils, and version: below it"
        )
      )
    }
    var entries: [PackageEntry] = []
    var problems: [Diagnostic] = []
    for item in items {
      let rendered = try render(item)
      do throws(PackageEntry.Unreadable) {
        entries.append(try PackageEntry(rendered, raw: item, in: file, problems: &problems))
      } catch {
        problems.append(error.diagnostic)
      }
    }
    guard problems.isEmpty else { throw Failure(.runtime, problems) }
    return entries
  }
}
