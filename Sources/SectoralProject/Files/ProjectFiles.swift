package import SectoralText
import SectoralYAML

/// The kinds of files that a project is read from.
package enum FileKind: Sendable, CaseIterable {
  case model, seed, snapshot, singularTest, genericTest, fixture, analysis, macro, function, docs
  case properties
}

/// A file of a package, read.
package struct ProjectFile: Sendable {
  package let kind: FileKind
  /// Its path is what the user should read: relative to the root project.
  package let file: SourceFile
  /// Below the package's root.
  package let originalFilePath: String
  /// Below the resource folder, as if its name had no suffix for templates.
  package let path: String
  /// The bytes without blanks at both ends: what dbt takes for the file's contents.
  package let contents: Range<Int>

  package var text: String { file.text(in: contents) }
  package var span: TextSpan {
    TextSpan(file: file, start: contents.lowerBound, end: contents.upperBound)
  }
  package var checksum: Checksum {
    // As dbt, whose blanks do not include a byte order mark.
    let hasMark = file.bytes.starts(with: [0xEF, 0xBB, 0xBF])
    let start = hasMark ? 0 : contents.lowerBound
    return Checksum(
      name: "sha256",
      checksum: Digest.sha256(file.bytes[start..<max(start, contents.upperBound)])
    )
  }
}

/// Refuses bytes that are no text.
private func checkEncoding(of file: SourceFile) throws(Failure) {
  guard let offset = file.bytes.withUnsafeBufferPointer(firstInvalidByte) else { return }
  let byte = String(file.bytes[offset], radix: 16)
  throw Failure(
    .runtime,
    Diagnostic(
      id: "file.not-utf8",
      message: "'utf-8' codec can't decode byte 0x\(byte) in position \(offset): invalid byte",
      span: TextSpan(file: file, start: offset, end: offset + 1),
      hint: "convert the file to UTF-8, for instance with iconv -f latin1 -t utf-8"
    )
  )
}

/// The offset of the first byte that does not belong into UTF-8.
private func firstInvalidByte(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
  guard let first = bytes.firstIndex(where: { $0 >= 0x80 }) else { return nil }
  // Nothing before it can be wrong.
  let rest = UnsafeBufferPointer(rebasing: bytes[first...])
  var parser = Unicode.UTF8.ForwardParser()
  var iterator = rest.makeIterator()
  var offset = first
  while true {
    switch parser.parseScalar(from: &iterator) {
    case .valid(let encoded): offset += encoded.count
    case .emptyInput: return nil
    case .error: return offset
    }
  }
}

/// Finds and reads the files of one package (spec: project, section 1).
package enum ProjectFiles {
  /// A seed file larger than this is known by its path, not by its contents.
  package static let largestSeedWithChecksum = 1 << 20

  /// `shownFolder`: put before the paths that users read: "" for the root project.
  /// Returns every file that there is, and what is wrong with those that are no text, or cannot be
  /// read: what stands for those is repaired, or empty.
  package static func read(
    _ project: ProjectDefinition,
    shownFolder: String
  ) throws(Failure)
    -> (files: [ProjectFile], problems: [Failure])
  {
    var found: [(kind: FileKind, original: String, named: String)] = []
    let ignore = try IgnoreRules(projectRoot: project.root)
    var listings: [String: [String]] = [:]
    func list(_ folder: String) -> [String] {
      if let known = listings[folder] { return known }
      let files = FileSystem.files(below: FileSystem.absolute(folder, from: project.root)).filter {
        !Self.isHidden($0) && !ignore.matches(Self.join(folder, $0))
      }
      listings[folder] = files
      return files
    }
    var taken: [FileKind: Set<String>] = [:]
    func takeAll(
      _ kind: FileKind,
      _ folders: [String],
      _ extensions: [String],
      where accept: (String) -> Bool = { _ in true }
    ) {
      for folder in folders {
        for path in list(folder) where accept(path) {
          let named = Self.withoutTemplateSuffix(path, project)
          guard extensions.contains(where: { named.hasSuffixIgnoringCase($0) }) else { continue }
          let original = Self.join(folder, path)
          if taken[kind, default: []].insert(original).inserted {
            found.append((kind, original, named))
          }
        }
      }
    }
    func isBelow(_ folder: String) -> (String) -> Bool {
      { path in path.hasPrefix("\(folder)/") }
    }
    let testFolders = ["generic", "fixtures"]
    takeAll(.macro, project.macroPaths, [".sql"])
    takeAll(.genericTest, project.testPaths, [".sql"], where: isBelow("generic"))
    takeAll(.model, project.modelPaths, [".sql", ".py", ".jinja"])
    takeAll(.snapshot, project.snapshotPaths, [".sql"])
    takeAll(.analysis, project.analysisPaths, [".sql"])
    takeAll(
      .singularTest,
      project.testPaths,
      [".sql"],
      where: { path in !testFolders.contains { isBelow($0)(path) } }
    )
    takeAll(.fixture, project.testPaths, [".csv", ".sql"], where: isBelow("fixtures"))
    takeAll(.seed, project.seedPaths, [".csv"])
    takeAll(.function, project.functionPaths, [".sql", ".py"])
    takeAll(.docs, project.docsPaths, [".md"])
    let all =
      project.modelPaths + project.seedPaths + project.snapshotPaths + project.analysisPaths
      + project.macroPaths + project.testPaths + project.functionPaths
    takeAll(.properties, all, [".yml", ".yaml"])

    let wanted = found
    let files = Threads.map(wanted.count) { index -> (ProjectFile, Failure?) in
      let (kind, original, named) = wanted[index]
      return read(kind, original, named, project, shownFolder: shownFolder)
    }
    return (files.map(\.0), files.compactMap(\.1))
  }

  private static func read(
    _ kind: FileKind,
    _ original: String,
    _ named: String,
    _ project: ProjectDefinition,
    shownFolder: String
  ) -> (ProjectFile, Failure?) {
    // The text of a seed is read when it is loaded; its bytes only for the checksum, and of a large
    // one no more than tells that it is.
    let shown = original.hasPrefix("/") ? original : shownFolder + original
    var problem: Failure?
    var bytes: [UInt8] = []
    do throws(Failure) {
      bytes = try FileSystem.read(
        FileSystem.absolute(original, from: project.root),
        limit: kind == .seed ? largestSeedWithChecksum + 1 : .max
      )
      if kind != .seed || bytes.count <= largestSeedWithChecksum {
        try checkEncoding(of: SourceFile(path: shown, bytes: bytes))
      }
    } catch {
      problem = error
      // Half a YAML file may mean something else; of other files all words stay what they are.
      bytes = kind == .properties ? [] : Array(String(decoding: bytes, as: UTF8.self).utf8)
    }
    let file = ProjectFile(
      kind: kind,
      file: SourceFile(path: shown, bytes: bytes),
      originalFilePath: original,
      path: named,
      contents: trimmed(bytes)
    )
    return (file, problem)
  }

  /// With the flag `allow_jinja_file_extensions`, `orders.sql.j2` is read as `orders.sql`.
  private static func withoutTemplateSuffix(_ path: String, _ project: ProjectDefinition) -> String
  {
    guard project.flags["allow_jinja_file_extensions"]?.bool == true else { return path }
    for suffix in [".jinja", ".jinja2", ".j2"] where path.hasSuffix(suffix) {
      let rest = path.dropLast(suffix.count)
      if rest.hasSuffix(".sql") || rest.hasSuffix(".md") { return String(rest) }
    }
    return path
  }

  private static func join(_ folder: String, _ path: String) -> String {
    var folder = folder[...]
    while folder.hasPrefix("./") { folder = folder.dropFirst(2) }
    while folder.hasSuffix("/") { folder = folder.dropLast() }
    return folder.isEmpty || folder == "." ? path : "\(folder)/\(path)"
  }

  private static func isHidden(_ path: String) -> Bool {
    guard let first = FileSystem.name(of: path).utf8.first else { return true }
    return first == UInt8(ascii: ".") || first == UInt8(ascii: "#") || first == UInt8(ascii: "~")
  }

  /// The range without ASCII white space, and a byte order mark, at both ends.
  package static func trimmed(_ bytes: [UInt8]) -> Range<Int> {
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    var end = bytes.count
    while start < end, isBlank(bytes[start]) { start += 1 }
    while end > start, isBlank(bytes[end - 1]) { end -= 1 }
    return start..<end
  }
}

extension String {
  func hasSuffixIgnoringCase(_ suffix: String) -> Bool {
    utf8.count >= suffix.utf8.count
      && zip(utf8.reversed(), suffix.utf8.reversed()).allSatisfy { a, b in
        a == b || (0x41...0x5A).contains(a) && a + 0x20 == b
      }
  }
}
