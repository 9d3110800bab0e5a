import SectoralJinja
import SectoralProject
import SectoralText
import SectoralYAML

extension ProjectReader {
  func docsBlocks(_ failures: inout [Failure]) -> [DocBlock] {
    var blocks = [Self.overview]
    var seen: [String: DocBlock] = [:]
    for package in workspace.packages {
      for file in package.files where file.kind == .docs {
        let (found, diagnostics) = BlockScanner.blocks(in: file.file, tags: ["docs"])
        let errors = diagnostics.filter { $0.severity == .error }
        if !errors.isEmpty { failures.append(Failure(.compilation, errors)) }
        for block in found {
          let name = String(block.signature.text.trimmingBlanks)
          let doc = DocBlock(
            uniqueID: "doc.\(package.name).\(name)",
            name: name,
            packageName: package.name,
            path: file.path,
            originalFilePath: file.originalFilePath,
            contents: String(block.contents.text.trimmingBlanks)
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
                  hint: "the other one is in \(other.originalFilePath): rename one"
                )
              )
            )
            continue
          }
          seen[doc.uniqueID] = doc
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
  ) {
    for patch in patches.all where patch.section == "macros" {
      guard
        let macro = workspace.macros.tables[patch.package]?[Symbol(patch.name)]?.macro
          ?? workspace.macros.tables[patch.package]?[Symbol("test_\(patch.name)")]?.macro
      else { continue }
      patch.isUsed = true
      do {
        macro.description = try descriptions.render(
          patch.entry["description"],
          package: patch.package
        ).text
      } catch { failures.append(error) }
      var meta = patch.entry["meta"]?.datum.map ?? DatumMap()
      for (key, value) in (patch.entry["config"]?["meta"]?.datum.map ?? [:]).entries {
        meta[key] = value
      }
      macro.meta = meta
      for (key, value) in (patch.entry["docs"]?.datum.map ?? [:]).entries {
        macro.docs[key] = value
      }
      macro.arguments = (patch.entry["arguments"]?.sequence ?? []).map { argument in
        .map([
          "name": argument["name"]?.datum ?? .null, "type": argument["type"]?.datum ?? .null,
          "description": argument["description"]?.datum ?? "",
        ])
      }
      macro.patchPath = patch.path
    }
  }
}
