import SectoralJinja
import SectoralProject
import SectoralText
import SectoralYAML

extension ProjectReader {
  func docsBlocks(_ failures: inout [Failure]) -> [DocBlock] {
    var blocks = [Self.overview]
    var seen: [String: DocBlock] = [:]
    var places: [String: TextSpan] = [:]
    for package in workspace.packages {
      for file in package.files where file.kind == .docs {
        let (found, diagnostics) = BlockScanner.blocks(in: file.file, tags: ["docs"])
        let errors = diagnostics.filter { $0.severity == .error }
        if !errors.isEmpty { failures.append(Failure(.compilation, errors)) }
        for block in found {
          let name = String(block.signature.text.trimmingBlanks)
          let contents: String
          do {
            contents = try rendered(String(block.contents.text.trimmingBlanks), at: block.contents)
          } catch {
            failures.append(error)
            continue
          }
          let doc = DocBlock(
            uniqueID: "doc.\(package.name).\(name)",
            name: name,
            packageName: package.name,
            path: file.path,
            originalFilePath: file.originalFilePath,
            contents: contents
          )
          if let other = seen[doc.uniqueID] {
            failures.append(
              Failure(
                .compilation,
                Diagnostic(
                  id: "docs.duplicate",
                  message: "dbt found two docs with the name \"\(name)\".\n\nSince these resources "
                    + "have the same name, dbt will be unable to find the correct resource\n"
                    + "when looking for doc(\"\(name)\").",
                  span: block.whole,
                  hint: "rename one of them; the other is at "
                    + (places[doc.uniqueID]?.placeText ?? other.originalFilePath)
                )
              )
            )
            continue
          }
          seen[doc.uniqueID] = doc
          places[doc.uniqueID] = block.whole
          blocks.append(doc)
        }
      }
    }
    return blocks
  }

  /// The start page of a docs site, for projects that have none of their own.
  static let overview = DocBlock(
    uniqueID: "doc.dbt.__overview__",
    name: "__overview__",
    packageName: "dbt",
    path: "overview.md",
    originalFilePath: "docs/overview.md",
    contents: """
      ### What this project builds

      Every model, seed, source and test of the project has a page here with its description, its
      columns and its SQL. Write a docs block named `__overview__` to put a start page of your own in
      this place.
      """
  )

  func patchMacros(
    _ patches: Patches,
    _ descriptions: DescriptionRenderer,
    _ failures: inout [Failure]
  ) -> [NamedWarning] {
    let checksArguments =
      workspace.root.definition.flags["validate_macro_args"]?.bool ?? false
    var warnings: [NamedWarning] = []
    for patch in patches.all where patch.section == "macros" {
      guard let entry = workspace.macros.tables[patch.package]?[Symbol(patch.name)] else {
        warnings.append(
          NamedWarning(
            "MacroNotFoundForPatch",
            Diagnostic(
              id: "macro.no-macro",
              severity: .warning,
              message: "Found patch for macro \"\(patch.name)\" which was not found",
              span: patch.entry["name"]?.span ?? patch.entry.span,
              hint: workspace.macros.tables[patch.package]?[Symbol("test_\(patch.name)")] == nil
                ? nil : "a generic test is described as 'test_\(patch.name)'"
            )
          )
        )
        continue
      }
      patch.isUsed = true
      let shapes = PropertyShapes(descriptions: descriptions, package: patch.package)
      let macro = entry.macro
      do {
        macro.description = try shapes.description(patch.entry["description"]).text
        var arguments: [Datum] = []
        for argument in patch.entry["arguments"]?.sequence ?? [] {
          arguments.append(
            .map([
              "name": argument["name"]?.datum ?? .null, "type": argument["type"]?.datum ?? .null,
              "description": .string(try shapes.description(argument["description"]).text),
            ])
          )
        }
        macro.arguments = arguments
      } catch { failures.append(error) }
      let config = patch.entry["config"]
      for holder in [patch.entry["meta"], config?["meta"]] {
        for (key, value) in (holder?.datum.map ?? [:]).entries { macro.meta[key] = value }
      }
      for holder in [patch.entry["docs"], config?["docs"]] {
        for (key, value) in (holder?.datum.map ?? [:]).entries { macro.docs[key] = value }
      }
      macro.patchPath = patch.path
      if checksArguments { warnings += MacroArguments.problems(of: entry, patch.entry) }
    }
    if checksArguments {
      for package in workspace.packages {
        // dbt does not look into the files of tests/generic for them.
        let tests = Set(
          package.files.lazy.filter { $0.kind == .genericTest }.map(\.originalFilePath)
        )
        for entry in (workspace.macros.tables[package.name] ?? [:]).values
        where entry.macro.arguments.isEmpty && !tests.contains(entry.macro.originalFilePath) {
          entry.macro.arguments = MacroArguments.names(of: entry).map {
            .map(["name": .string($0), "type": .null, "description": ""])
          }
        }
      }
    }
    return warnings
  }

  /// The text of a block, in which templates see nothing.
  private func rendered(_ text: String, at place: TextSpan) throws(Failure) -> String {
    guard YAMLRenderer.isTemplate(text) else { return text }
    do throws(TemplateError) {
      let file = SourceFile(path: place.file.path, text: text)
      let template = try workspace.environment.compile(file)
      let out = try Interpreter(workspace.environment).render(template, scope: Scope())
      return String(out.trimmingBlanks)
    } catch {
      var diagnostic = error.diagnostic
      diagnostic.span = place
      throw Failure(.compilation, diagnostic)
    }
  }
}
