package import SectoralText
package import SectoralYAML

/// A raw table that the project reads but does not build.
///
/// Filled while the project is read, on one thread; not written afterwards.
package final class SourceTable: @unchecked Sendable {
  package let uniqueID: String
  package let sourceName: String
  package let name: String
  package let packageName: String
  /// The properties file.
  package let originalFilePath: String
  package var fqn: [String]
  package let createdAt: Double
  package let declaration: TextSpan?

  package var identifier: String
  package var database: String?
  package var schema: String
  package var relationName: String?
  package var sourceDescription = ""
  package var loader = ""
  package var quoting = DatumMap()
  package var loadedAtField: String?
  package var loadedAtQuery: String?
  package var freshness: Datum = .null
  package var external: Datum = .null
  package var description = ""
  package var columns = DatumMap()
  package var meta = DatumMap()
  package var sourceMeta = DatumMap()
  package var tags: [String] = []
  /// Those that the tests of the table get, too: `tags:` beside the name, not those of `config:`.
  package var inheritedTags: [String] = []
  package var config = DatumMap()
  package var unrenderedConfig = DatumMap()
  package var unrenderedDatabase: String?
  package var unrenderedSchema: String?
  package var patchPath: String?
  package var docBlocks: [String] = []

  package init(
    uniqueID: String,
    sourceName: String,
    name: String,
    packageName: String,
    originalFilePath: String,
    fqn: [String],
    createdAt: Double,
    declaration: TextSpan?,
    identifier: String,
    schema: String
  ) {
    self.uniqueID = uniqueID
    self.sourceName = sourceName
    self.name = name
    self.packageName = packageName
    self.originalFilePath = originalFilePath
    self.fqn = fqn
    self.createdAt = createdAt
    self.declaration = declaration
    self.identifier = identifier
    self.schema = schema
  }

  package var isEnabled: Bool { config["enabled"]?.bool ?? true }
}

/// A macro, generic test definition or materialization.
///
/// Filled while the project is read, on one thread; not written afterwards. The template is compiled
/// at the first use, under a lock.
package final class Macro: @unchecked Sendable {
  package let uniqueID: String
  /// With its prefix: `test_unique`, `materialization_table_default`.
  package let name: String
  package let packageName: String
  package let originalFilePath: String
  /// The whole block with both tags.
  package let span: TextSpan
  /// With the blanks that the tags take away: `macro_sql` of the manifest.
  package let text: TextSpan
  package let createdAt: Double
  package var dependsOnMacros: [String] = []
  package var description = ""
  package var meta = DatumMap()
  package var docs: DatumMap = ["show": .bool(true), "node_color": .null]
  package var arguments: [Datum] = []
  package var patchPath: String?
  /// Of materializations alone.
  package var supportedLanguages: [String]?

  package init(
    uniqueID: String,
    name: String,
    packageName: String,
    originalFilePath: String,
    span: TextSpan,
    text: TextSpan? = nil,
    createdAt: Double,
    supportedLanguages: [String]? = nil
  ) {
    self.uniqueID = uniqueID
    self.name = name
    self.packageName = packageName
    self.originalFilePath = originalFilePath
    self.span = span
    self.text = text ?? span
    self.createdAt = createdAt
    self.supportedLanguages = supportedLanguages
  }
}

/// A `{% docs name %}` block.
package struct DocBlock: Sendable {
  package let uniqueID: String
  package let name: String
  package let packageName: String
  package let path: String
  package let originalFilePath: String
  package let contents: String

  package init(
    uniqueID: String,
    name: String,
    packageName: String,
    path: String,
    originalFilePath: String,
    contents: String
  ) {
    self.uniqueID = uniqueID
    self.name = name
    self.packageName = packageName
    self.path = path
    self.originalFilePath = originalFilePath
    self.contents = contents
  }
}

/// Exposures, groups, metrics, semantic models, saved queries, unit tests: resources that this
/// version carries through the manifest and the graph, as the layout that the manifest has.
package final class PlainResource: @unchecked Sendable {
  package let uniqueID: String
  package let resourceType: ResourceType
  package let name: String
  package let packageName: String
  package let originalFilePath: String
  package var fqn: [String]
  package let declaration: TextSpan?
  package var config = DatumMap()
  package var tags: [String] = []
  package var refs: [Reference] = []
  package var sources: [[String]] = []
  package var dependsOnNodes: [String] = []
  package var dependsOnMacros: [String] = []
  /// The manifest's object, without the fields above that the layout fills in.
  package var fields: DatumMap
  /// The entry of the properties file.
  package var written: YAMLNode?

  package init(
    uniqueID: String,
    resourceType: ResourceType,
    name: String,
    packageName: String,
    originalFilePath: String,
    fqn: [String],
    declaration: TextSpan?,
    fields: DatumMap
  ) {
    self.uniqueID = uniqueID
    self.resourceType = resourceType
    self.name = name
    self.packageName = packageName
    self.originalFilePath = originalFilePath
    self.fqn = fqn
    self.declaration = declaration
    self.fields = fields
  }

  /// Where a name is written below one of the entry's keys; the resource's own place where it is not.
  package func place(of name: String, below keys: String...) -> TextSpan? {
    keys.lazy.compactMap { self.written?[$0]?.place(of: name) }.first ?? declaration
  }

  /// The same resource under another id.
  package func copied(as uniqueID: String) -> PlainResource {
    let copy = PlainResource(
      uniqueID: uniqueID,
      resourceType: resourceType,
      name: name,
      packageName: packageName,
      originalFilePath: originalFilePath,
      fqn: fqn,
      declaration: declaration,
      fields: fields
    )
    copy.config = config
    copy.tags = tags
    copy.refs = refs
    copy.sources = sources
    copy.dependsOnNodes = dependsOnNodes
    copy.dependsOnMacros = dependsOnMacros
    return copy
  }

  package var isEnabled: Bool { config["enabled"]?.bool ?? true }
}

extension YAMLNode {
  /// Where a text stands among the values below this one, alone or as a name in a call.
  fileprivate func place(of name: String) -> TextSpan? {
    switch value {
    case .scalar(.string(let text)):
      if text == name { return span }
      // `ref('orders')`
      return text.contains("'\(name)'") || text.contains("\"\(name)\"")
        ? span.place(of: name) ?? span : nil
    case .scalar: return nil
    case .sequence(let items): return items.lazy.compactMap { $0.place(of: name) }.first
    case .mapping(let pairs): return pairs.lazy.compactMap { $0.value.place(of: name) }.first
    }
  }
}
