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

  /// All that is wrong with the files is reported together.
  ///
  /// `root`: The folder of a project, absolute.
  /// `shownFolder`: How messages show it: empty for the project itself.
  package static func read(
    root: String,
    shownFolder: String = "",
    render: PackageRenderer
  ) throws(Failure) -> PackagesFile {
    var entries: [PackageEntry] = []
    var listedIn: String?
    var projects: [String] = []
    var problems: [Failure] = []
    for name in names {
      do throws(Failure) {
        guard let node = try parse("\(root)/\(name)", shown: shownFolder + name) else { continue }
        let isDependencies = name == "dependencies.yml"
        let misplaced = isDependencies ? [] : misplacedKeys(of: node, name)
        if !misplaced.isEmpty { problems.append(Failure(.runtime, misplaced)) }
        projects += (node["projects"]?.sequence ?? []).compactMap { $0["name"]?.string }
        guard let list = node.entry("packages") else { continue }
        guard listedIn == nil else { throw Failure(.runtime, listedTwice(at: list.key.span)) }
        listedIn = name
        entries = try Self.entries(of: list.value, name, isDependencies ? { $0 } : render)
      } catch { problems.append(error) }
    }
    if let failure = Failure(problems) { throw failure }
    return PackagesFile(entries: entries, name: listedIn, projects: projects)
  }

  private static func listedTwice(at span: TextSpan) -> Diagnostic {
    Diagnostic(
      id: "packages.both",
      message: "The 'packages' key cannot be specified in both packages.yml and dependencies.yml",
      span: span,
      hint: "keep the list in one of them"
    )
  }

  /// What packages.yml holds beside its list.
  private static func misplacedKeys(of node: YAMLNode, _ name: String) -> [Diagnostic] {
    (node.mapping ?? []).map(\.key).filter { $0.keyText != "packages" }.map { key in
      if key.keyText == "projects" {
        return Diagnostic(
          id: "packages.projects",
          message: "The 'projects' key cannot be specified in packages.yml",
          span: key.span,
          hint: "it belongs into dependencies.yml"
        )
      }
      let near = Spelling.nearest(to: key.keyText, among: ["packages"])
      return PackageProblem.malformed(
        name,
        "Additional properties are not allowed ('\(key.keyText)' was unexpected)",
        at: key.span,
        hint: near.map { "did you mean '\($0)'?" } ?? "its only key is 'packages'"
      )
    }
  }

  /// The file as a mapping; nil where there is none, or nothing in it.
  package static func parse(_ path: String, shown: String) throws(Failure) -> YAMLNode? {
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
  package static func entries(
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
    var failures: [Failure] = []
    for item in items {
      let rendered: YAMLNode
      do throws(Failure) { rendered = try render(item) } catch {
        failures.append(error)
        continue
      }
      do throws(PackageEntry.Unreadable) {
        entries.append(try PackageEntry(rendered, raw: item, in: file, problems: &problems))
      } catch {
        problems.append(error.diagnostic)
      }
    }
    if !problems.isEmpty { failures.insert(Failure(.runtime, problems), at: 0) }
    if let failure = Failure(failures) { throw failure }
    return entries
  }
}
