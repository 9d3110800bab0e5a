import SectoralCompiler
import SectoralProject
import SectoralText
import SectoralYAML

/// The files of one node: what was compiled, what was sent, what a seed is loaded from.
struct NodeFiles: Sendable {
  private let targetPath: String
  private let root: String
  private let relative: String
  /// Whether they are those of a part of the node: then the node does not name them.
  private let isPart: Bool

  /// `batch`: the label of the one whose files they are.
  init(_ node: Node, _ project: Engine.Project, batch: String? = nil) {
    targetPath = project.targetPath
    root = project.workspace.root.definition.root
    isPart = batch != nil
    let original = node.originalFilePath
    let isOwnFile = FileSystem.name(of: node.path) == FileSystem.name(of: original)
    var path = isOwnFile ? original : "\(original)/\(node.path)"
    if let batch {
      let stem = FileSystem.stem(of: path)
      path = "\(FileSystem.parent(of: path))/\(stem)/\(stem)_\(batch).sql"
    }
    relative = Self.inside("\(node.packageName)/\(path)")
  }

  /// Files of folders beside the project, `../shared/orders.sql`, stay below the target's. Other paths
  /// are as they are written: hooks are in `./dbt_project.yml`.
  private static func inside(_ path: String) -> String {
    guard path.hasParentStep else { return path }
    let place = FileSystem.absolute(path, from: "/_")
    guard !place.hasPrefix("/_/") else { return String(place.dropFirst(3)) }
    return path.split(separator: "/").filter { $0 != ".." }.joined(separator: "/")
  }

  /// As artifacts name a file: relative to the project where it lies inside.
  private func shown(_ path: String) -> String {
    path.hasPrefix(root + "/") ? String(path.dropFirst(root.count + 1)) : path
  }

  func writeCompiled(_ node: Node) throws(Failure) {
    guard let code = node.compiledCode, node.resourceType != .snapshot else { return }
    try writeCompiled(code, node)
  }

  func writeCompiled(_ code: String, _ node: Node) throws(Failure) {
    guard !code.isEmpty else { return }
    let path = "\(targetPath)/compiled/\(relative)"
    try FileSystem.writeDerived(Array(code.utf8), to: path)
    if !isPart { node.compiledPath = shown(path) }
  }

  /// The inputs of a unit test lie beside the folder of its models.
  func writeInputs(_ inputs: [(name: String, sql: String)], of node: Node) throws(Failure) {
    guard !inputs.isEmpty else { return }
    let folder =
      "\(targetPath)/compiled/\(Self.inside("\(node.packageName)/\(node.originalFilePath)"))"
    for (name, sql) in inputs where !sql.isEmpty {
      try FileSystem.writeDerived(Array(sql.utf8), to: "\(folder)/\(name).sql")
    }
  }

  func writeRun(_ text: String, _ node: Node) throws(Failure) {
    let path = "\(targetPath)/run/\(relative)"
    try FileSystem.writeDerived(Array(text.utf8), to: path)
    if !isPart { node.buildPath = shown(path) }
  }

  func loadSeed(_ node: Node) throws(Failure) -> SeedTable {
    let path = "\(node.rootPath ?? root)/\(node.originalFilePath)"
    let file = SourceFile(path: node.originalFilePath, bytes: try FileSystem.read(path))
    let delimiter = (node.config["delimiter"]?.string ?? ",").utf8
    guard delimiter.count == 1, let byte = delimiter.first else {
      throw Failure(
        .compilation,
        subject: node.words,
        Diagnostic(
          id: "seed.bad-delimiter",
          message: "the delimiter of a seed must be one ASCII character",
          span: file.startSpan,
          hint: "for tabs write delimiter: \"\\t\""
        )
      )
    }
    let textColumns = Set((node.config["column_types"]?.map ?? [:]).keys)
    do throws(SeedError) {
      return try SeedTable(file, delimiter: byte, textColumns: textColumns)
    } catch {
      throw Failure(.compilation, subject: node.words, error.diagnostic)
    }
  }
}

extension String {
  /// Whether one of a path's parts is `..`. Walks the bytes: most paths have none.
  fileprivate var hasParentStep: Bool {
    var dots = 0
    for byte in utf8 {
      switch byte {
      case UInt8(ascii: "/"):
        if dots == 2 { return true }
        dots = 0
      // From a part with any other byte there is no way back to two dots.
      case UInt8(ascii: "."): dots += 1
      default: dots = 3
      }
    }
    return dots == 2
  }
}
