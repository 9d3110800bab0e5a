import SectoralProject
import SectoralText
import SectoralYAML

/// `overrides:` of sources: entries that change a source of another package (deprecated in dbt).
///
/// Keys that such an entry gives take the place of the source's; its tables are matched by name, and
/// likewise changed key by key.
struct SourceOverrides {
  private struct Target: Hashable {
    let package: String
    let source: String
  }

  private let patches: [Target: YAMLNode]
  let warnings: [NamedWarning]

  init(_ files: [PropertiesFile]) {
    var patches: [Target: YAMLNode] = [:]
    var warnings: [NamedWarning] = []
    var known: Set<Target> = []
    for file in files {
      for (name, source) in file.entries("sources") {
        guard let package = Self.overridden(source) else {
          known.insert(Target(package: file.package, source: name))
          continue
        }
        patches[Target(package: package, source: name)] = source
        warnings.append(
          NamedWarning(
            "SourceOverrideDeprecation",
            Diagnostic(
              id: "source.override",
              severity: .warning,
              message: "The source property `overrides` is deprecated but was found on source "
                + "`\(name)` in file `\(file.file.originalFilePath)`. Instead, `enabled` should be "
                + "used to disable the unwanted source.",
              span: source["overrides"]?.span ?? source.span
            )
          )
        )
      }
    }
    for (target, source) in patches where !known.contains(target) {
      warnings.append(
        NamedWarning(
          "UnusedTables",
          Diagnostic(
            id: "source.override-unused",
            severity: .warning,
            message: "During parsing, dbt encountered source overrides that had no target: source "
              + "\(target.package).\(target.source)",
            span: source["overrides"]?.span ?? source.span,
            hint: "'overrides' names an installed package that has a source of this name"
          )
        )
      )
    }
    self.patches = patches
    self.warnings = warnings
  }

  /// The package whose source an entry changes; nil for an entry that is a source itself.
  static func overridden(_ source: YAMLNode) -> String? {
    guard let package = source["overrides"], !package.isNull else { return nil }
    return package.datum.pythonText
  }

  func applied(to source: YAMLNode, named name: String, of package: String) -> YAMLNode {
    guard let patch = patches[Target(package: package, source: name)] else { return source }
    var patched = Self.changed(source, by: patch, except: ["name", "overrides", "tables"])
    guard let tables = source["tables"]?.sequence, let changes = patch["tables"]?.sequence,
      let index = patched.mapping?.firstIndex(where: { $0.key.keyText == "tables" }),
      var pairs = patched.mapping
    else { return patched }
    let changed = tables.map { table in
      guard let name = table["name"]?.datum,
        let change = changes.last(where: { $0["name"]?.datum == name })
      else { return table }
      return Self.changed(table, by: change, except: ["name"])
    }
    pairs[index].value = YAMLNode(.sequence(changed), at: pairs[index].value.span)
    patched = YAMLNode(.mapping(pairs), at: patched.span)
    return patched
  }

  private static func changed(
    _ node: YAMLNode,
    by patch: YAMLNode,
    except kept: Set<String>
  ) -> YAMLNode {
    guard var pairs = node.mapping else { return node }
    for (key, value) in patch.mapping ?? [] where !kept.contains(key.keyText) {
      if let index = pairs.firstIndex(where: { $0.key.keyText == key.keyText }) {
        pairs[index].value = value
      } else {
        pairs.append((key: key, value: value))
      }
    }
    return YAMLNode(.mapping(pairs), at: node.span)
  }
}
