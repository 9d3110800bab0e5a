import SectoralJinja
import SectoralProject
import SectoralText

/// Finds the macros, generic tests and materializations of packages and of the binary itself.
struct MacroReader {
  let environment: Environment
  let createdAt: Double

  private static let tags: Set<String> = ["macro", "test", "data_test", "materialization"]

  /// The built-in macros of an internal package.
  func builtins(of package: String) -> [MacroEntry] {
    let prefix = "\(package)/"
    var files: [Int: SourceFile] = [:]
    for (index, file) in embeddedMacroFiles.enumerated() {
      let path = file.path.description
      guard path.hasPrefix(prefix) else { continue }
      let text = UnsafeBufferPointer(start: file.text.utf8Start, count: file.text.utf8CodeUnitCount)
      // Told apart from the project's own macros/: `dbt:macros/etc/statement.sql`.
      let name = String(path.dropFirst(prefix.count))
      files[index] = SourceFile(path: "\(package):\(name)", bytes: Array(text))
    }
    return embeddedMacros.compactMap { embedded in
      guard let file = files[embedded.file] else { return nil }
      let name = embedded.name.description
      let languages = embedded.languages.words
      let macro = Macro(
        uniqueID: "macro.\(package).\(name)",
        name: name,
        packageName: package,
        originalFilePath: String(file.path.dropFirst(package.utf8.count + 1)),
        span: TextSpan(file: file, start: embedded.start, end: embedded.end),
        createdAt: createdAt,
        supportedLanguages: languages.isEmpty ? nil : languages
      )
      return MacroEntry(macro, environment: environment, calls: embedded.calls)
    }
  }

  func macros(of package: Package) -> (entries: [MacroEntry], diagnostics: [Diagnostic]) {
    var entries: [MacroEntry] = []
    var diagnostics: [Diagnostic] = []
    var known: [String: Macro] = [:]
    for file in package.files where file.kind == .macro || file.kind == .genericTest {
      let (blocks, problems) = BlockScanner.blocks(in: file.file, tags: Self.tags)
      diagnostics += problems
      for block in blocks where file.kind == .macro || block.tag != "macro" {
        guard
          let entry = entry(
            of: block,
            package: package.name,
            originalFilePath: file.originalFilePath
          )
        else {
          diagnostics.append(
            Diagnostic(
              id: "macro.no-name",
              message: "a \(block.tag) block needs a name",
              span: block.signature,
              hint: "write {% \(block.tag) my_name(…) %}"
            )
          )
          continue
        }
        if let other = known[entry.macro.name] {
          let (line, column) = other.span.position
          diagnostics.append(
            Diagnostic(
              id: "macro.duplicate",
              message: "dbt found multiple macros named \"\(entry.macro.name)\" in the project "
                + "\"\(package.name)\".\nAll macros require unique names, to fix this error rename or "
                + "remove any\nduplicates. They can be found in these files:\n"
                + "    - \(other.originalFilePath)\n    - \(file.originalFilePath)",
              span: entry.macro.span,
              hint: "the other one is at \(other.span.file.path):\(line):\(column)"
            )
          )
          continue
        }
        known[entry.macro.name] = entry.macro
        entries.append(entry)
        // A mistake in a macro's text is reported with all the others, not at its first call.
        do { _ = try entry.template() } catch {
          var problem = error.diagnostic
          // dbt looks at names when the macro is called.
          if error.kind == .assertion { problem.severity = .warning }
          diagnostics.append(problem)
        }
      }
    }
    return (entries, diagnostics)
  }

  private func entry(
    of block: TopLevelBlock,
    package: String,
    originalFilePath: String
  ) -> MacroEntry? {
    let signature = block.signature.text
    let scalars = signature.unicodeScalars.prefix {
      $0 == "_" || $0.properties.isAlphabetic || $0.properties.numericType != nil
    }
    let written = String(String.UnicodeScalarView(scalars))
    guard !written.isEmpty else { return nil }
    var name = written
    var languages: [String]?
    switch block.tag {
    case "macro": break
    case "materialization":
      let parsed = MaterializationSignature(signature)
      name = "materialization_\(written)_\(parsed.adapter)"
      languages = parsed.languages
    default: name = "test_\(written)"
    }
    let macro = Macro(
      uniqueID: "macro.\(package).\(name)",
      name: name,
      packageName: package,
      originalFilePath: originalFilePath,
      span: block.whole,
      text: block.trimming,
      createdAt: createdAt,
      supportedLanguages: languages
    )
    return MacroEntry(macro, environment: environment)
  }
}

extension SourceFile {
  /// Whether the file is one of the binary's own macros, which no user can open.
  var isBuiltIn: Bool {
    ["dbt:", "dbt_postgres:", "dbt_redshift:"].contains { path.hasPrefix($0) }
  }
}

/// What stands behind a materialization's name: `default`, or `adapter='x'`, and the languages.
private struct MaterializationSignature {
  var adapter = "default"
  var languages = ["sql"]

  init(_ text: String) {
    func quoted(after key: String) -> [String] {
      guard let range = text.firstRange(of: key) else { return [] }
      var found: [String] = []
      var current: String?
      var quote: Character = "'"
      for character in text[range.upperBound...] {
        if var open = current {
          if character == quote {
            found.append(open)
            current = nil
            if key == "adapter" { return found }
          } else {
            open.append(character)
            current = open
          }
        } else if character == "'" || character == "\"" {
          quote = character
          current = ""
        } else if character == "]" {
          break
        }
      }
      return found
    }
    if let name = quoted(after: "adapter").first { adapter = name }
    let given = quoted(after: "supported_languages")
    if !given.isEmpty { languages = given }
  }
}

extension String {
  /// The first place of a text, by bytes.
  func firstRange(of other: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(other) { return start..<index(start, offsetBy: other.count) }
      start = index(after: start)
    }
    return nil
  }
}
