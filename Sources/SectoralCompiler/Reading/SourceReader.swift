import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

/// Reads `sources:` (spec: project, section 5.3).
struct SourceReader {
  struct Entry {
    let table: SourceTable
    /// The table's entry.
    let entry: YAMLNode
    let file: ProjectFile
    let package: Package
  }

  let workspace: Workspace
  let descriptions: DescriptionRenderer
  let createdAt: Double

  /// Reads the tables on all cores, and tells of them in the order of the files.
  func read(
    _ files: [PropertiesFile],
    _ warnings: inout [NamedWarning],
    _ failures: inout [Failure]
  ) -> [Entry] {
    var overrides = SourceOverrides(files)
    failures += overrides.duplicates
    let tables = files.flatMap { self.tables(in: $0, &overrides) }
    let results = Threads.map(tables.count) { index -> Result<Entry, Failure> in
      do throws(Failure) { return .success(try read(tables[index])) } catch {
        return .failure(error)
      }
    }
    var entries: [Entry] = []
    var seen: [String: Entry] = [:]
    for result in results {
      switch result {
      case .failure(let failure): failures.append(failure)
      case .success(let entry):
        if let other = seen.updateValue(entry, forKey: entry.table.uniqueID) {
          failures.append(Self.duplicate(entry, other))
          seen[entry.table.uniqueID] = other
          continue
        }
        entries.append(entry)
        if let warning = unknownAge(of: entry.table) { warnings.append(warning) }
      }
    }
    warnings += overrides.unused
    return entries
  }

  /// A table's entry, with what overrides it, and that of its source.
  private struct TableEntry: Sendable {
    let sourceName: String
    let source: YAMLNode
    /// The source as written, with its templates.
    let raw: YAMLNode
    let table: YAMLNode
    let file: PropertiesFile
    let package: Package
  }

  private func tables(
    in file: PropertiesFile,
    _ overrides: inout SourceOverrides
  ) -> [TableEntry] {
    guard let package = workspace.package(file.package) else { return [] }
    var entries: [TableEntry] = []
    for (index, source) in (file.root?["sources"]?.sequence ?? []).enumerated() {
      guard let name = source["name"]?.string, source["overrides"]?.string == nil else { continue }
      let override = overrides.source(name, in: package.name)
      let raw = file.raw?["sources"]?.sequence?[index] ?? source
      let patched = SourceOverrides.join(override?.entry, over: source, leaving: "tables")
      for table in source["tables"]?.sequence ?? [] {
        let overriding = table["name"].flatMap {
          overrides.table($0.datum.pythonText, of: name, in: package.name)
        }
        entries.append(
          TableEntry(
            sourceName: name,
            source: patched,
            raw: raw,
            table: SourceOverrides.join(overriding, over: table),
            file: file,
            package: package
          )
        )
      }
    }
    return entries
  }

  /// What a key says; an empty text says nothing.
  private static func text(_ key: String, in entry: YAMLNode) -> String? {
    guard let value = entry[key], !value.isNull else { return nil }
    let text = value.datum.pythonText
    return text.isEmpty ? nil : text
  }

  private func read(_ entry: TableEntry) throws(Failure) -> Entry {
    guard let tableName = entry.table["name"]?.datum.pythonText else {
      throw Failure(
        .parsing,
        Diagnostic(
          id: "source.table-without-name",
          message: "The schema file at \(entry.file.file.originalFilePath) is invalid because a "
            + "table of the source '\(entry.sourceName)' does not have a name attribute.",
          span: entry.table.span,
          hint: "add 'name:'"
        )
      )
    }
    return try read(
      entry.sourceName,
      entry.source,
      raw: entry.raw,
      tableName,
      entry.table,
      entry.file,
      entry.package
    )
  }

  private static func duplicate(_ entry: Entry, _ other: Entry) -> Failure {
    let name = entry.table.sourceName
    let tableName = entry.table.name
    return Failure(
      .compilation,
      Diagnostic(
        id: "source.duplicate",
        message: "dbt found two sources with the name \"\(name)_\(tableName)\".\n"
          + "Since these resources have the same name, dbt will be unable to find the "
          + "correct resource when looking for source(\"\(name)\", \"\(tableName)\").",
        span: entry.table.declaration,
        hint: "take one of them out; the other is at "
          + (other.table.declaration?.placeText ?? other.file.originalFilePath)
      )
    )
  }

  /// Only Redshift knows by itself when a table was written last.
  private func unknownAge(of table: SourceTable) -> NamedWarning? {
    let isChecked = ["warn_after", "error_after"].contains { key in
      let limit = table.freshness[key]
      return ["count", "period"].allSatisfy { !(limit?[$0] ?? .null).isNull }
    }
    guard isChecked, table.loadedAtField == nil, table.loadedAtQuery == nil,
      workspace.profile.type != "redshift"
    else { return nil }
    return NamedWarning(
      "FreshnessConfigProblem",
      Diagnostic(
        id: "source.unknown-age",
        severity: .warning,
        message:
          "The configured adapter does not support metadata-based freshness. A loaded_at_field "
          + "must be specified for source '\(table.sourceName).\(table.name)'.",
        span: table.declaration,
        hint: "add 'loaded_at_field:' or 'loaded_at_query:'"
      )
    )
  }

  private func read(
    _ name: String,
    _ source: YAMLNode,
    raw: YAMLNode,
    _ tableName: String,
    _ table: YAMLNode,
    _ file: PropertiesFile,
    _ package: Package
  ) throws(Failure) -> Entry {
    let result = SourceTable(
      uniqueID: "source.\(package.name).\(name).\(tableName)",
      sourceName: name,
      name: tableName,
      packageName: package.name,
      originalFilePath: file.file.originalFilePath,
      fqn: [package.name] + file.folders + [name, tableName],
      createdAt: createdAt,
      declaration: table.span,
      identifier: Self.text("identifier", in: table) ?? tableName,
      schema: Self.text("schema", in: source) ?? name
    )
    result.database = Self.text("database", in: source) ?? workspace.profile.database
    result.unrenderedDatabase = raw["database"].flatMap { $0.isNull ? nil : $0.datum.pythonText }
    result.unrenderedSchema = raw["schema"].flatMap { $0.isNull ? nil : $0.datum.pythonText }
    // dbt looks at the source's alone.
    result.loader = source["loader"]?.datum.pythonText ?? ""
    if let external = table["external"]?.datum.map {
      var shape = DatumMap()
      for key in ["location", "file_format", "row_format", "tbl_properties", "partitions"] {
        shape[key] = external[key] ?? .null
      }
      for (key, value) in external.entries { shape[key] = value }
      result.external = .map(shape)
    }
    var quoting: DatumMap = [
      "database": .null, "schema": .null, "identifier": .null, "column": .null,
    ]
    for level in [source["quoting"], table["quoting"]] {
      for (key, value) in (level?.datum.map ?? [:]).entries { quoting[key] = value }
    }
    result.quoting = quoting

    let sourceConfig = source["config"]
    let tableConfig = table["config"]
    result.sourceMeta = Self.joined([source["meta"], sourceConfig?["meta"]])
    var tags: Set<String> = []
    for level in [source, sourceConfig, table, tableConfig] {
      tags.formUnion(level?["tags"]?.datum.texts ?? [])
    }

    var builder = ConfigBuilder(.source)
    let levels = workspace.configLevels(of: .source, for: result.fqn, in: package.name)
    for level in levels.own { builder.add(level.layer, unrendered: level.unrendered) }
    result.inheritedTags = [source, table].flatMap { $0["tags"]?.datum.texts ?? [] }
    for level in [sourceConfig, tableConfig] {
      var values = DatumMap()
      var unrendered = DatumMap()
      var origins: [String: TextSpan] = [:]
      for (key, value) in level?.mapping ?? []
      where !["meta", "tags", "freshness"].contains(key.keyText) {
        unrendered[ConfigBuilder.canonicalKey(key.keyText)] = value.datum
        if value.isNull, key.keyText == "loaded_at_field" { continue }
        values[key.keyText] = value.datum
        origins[key.keyText] = value.span
      }
      builder.add(
        ConfigLayer(values, origin: table.span, origins: origins),
        unrendered: unrendered
      )
    }
    try checkLoadedAt(source, "source")
    try checkLoadedAt(table, "table")
    func inherited(_ key: String) -> String? {
      if let own = table[key] { return own.isNull ? nil : own.datum.pythonText }
      // Null in a config takes nothing away.
      let levels = [tableConfig?[key], source[key], sourceConfig?[key]].compactMap(\.self)
      guard let level = levels.first(where: { !$0.isNull }) else { return nil }
      return level.datum.pythonText
    }
    let loadedAtField = inherited("loaded_at_field")
    // A table's own field takes the place of the source's query.
    let hasOwnField =
      table["loaded_at_field"] != nil || tableConfig?["loaded_at_field"]?.isNull == false
    let ownQuery = table["loaded_at_query"] ?? tableConfig?["loaded_at_query"]
    let loadedAtQuery = hasOwnField && ownQuery == nil ? nil : inherited("loaded_at_query")
    // What the file says of these is one layer, even where it says nothing: tags of dbt_project.yml are
    // overwritten by none.
    let meta = Self.joined([
      source["meta"], sourceConfig?["meta"], table["meta"], tableConfig?["meta"],
    ])
    var said: DatumMap = [
      "loaded_at_field": .optional(loadedAtField), "loaded_at_query": .optional(loadedAtQuery),
      "meta": .map(meta), "tags": .strings(tags.sorted()),
    ]
    switch try FreshnessThreshold.joined([
      source["freshness"], sourceConfig?["freshness"], table["freshness"],
      tableConfig?["freshness"],
    ]) {
    case .none: said["freshness"] = .null
    case .some(let threshold) where threshold.saysSomething: said["freshness"] = threshold.datum
    default: break
    }
    builder.add(ConfigLayer(said, origin: table.span))
    for level in levels.root { builder.add(level.layer, unrendered: level.unrendered) }
    let problems = builder.problems(of: "source \(name).\(tableName)", isBare: true)
    guard problems.isEmpty else { throw Failure(.plain, problems) }
    var config = builder.config
    // As dbt goes through what is no list: a single text is the list of its letters.
    if let tag = config["tags"]?.string { config["tags"] = .strings(tag.map(String.init)) }
    if let freshness = config["freshness"]?.map {
      config["freshness"] = FreshnessThreshold(parts: freshness).datum
    }
    result.config = config
    result.unrenderedConfig = builder.unrendered
    result.tags = config["tags"]?.texts ?? []
    result.meta = config["meta"]?.map ?? [:]
    result.freshness = config["freshness"] ?? .null
    result.loadedAtField = config["loaded_at_field"]?.string
    result.loadedAtQuery = config["loaded_at_query"]?.string
    result.relationName = workspace.relation(of: result, over: workspace.quoting).rendered
    let shapes = PropertyShapes(
      descriptions: result.isEnabled ? descriptions : nil,
      package: package.name
    )
    result.sourceDescription = try shapes.description(source["description"]).text
    (result.description, result.docBlocks) = try shapes.description(table["description"])
    result.columns = try shapes.columns(table["columns"])
    return Entry(table: result, entry: table, file: file.file, package: package)
  }

  /// A source and a table each have one way to tell how old their rows are.
  private func checkLoadedAt(_ level: YAMLNode, _ kind: String) throws(Failure) {
    func problem(_ id: String, _ message: String, _ place: YAMLNode, _ hint: String) -> Failure {
      Failure(
        .parsing,
        Diagnostic(id: "source.\(id)", message: message, span: place.span, hint: hint)
      )
    }
    let own = { (key: String) in level[key] ?? level["config"]?[key] }
    if let field = own("loaded_at_field"), field.string == "" {
      throw problem(
        "empty-loaded-at",
        "loaded_at_field cannot be an empty string.",
        field,
        "leave the key out, or its value: then the source's does not hold for the table"
      )
    }
    if let field = own("loaded_at_field"), let query = own("loaded_at_query"), !field.isNull,
      !query.isNull
    {
      throw problem(
        "two-loaded-at",
        "Cannot specify both loaded_at_field and loaded_at_query at \(kind) level.",
        query,
        "keep one of them"
      )
    }
  }

  private static func joined(_ levels: [YAMLNode?]) -> DatumMap {
    var map = DatumMap()
    for level in levels {
      for (key, value) in (level?.datum.map ?? [:]).entries { map[key] = value }
    }
    return map
  }

  /// Thresholds join key by key; null at a level switches freshness off for it and below.
  private func freshness(_ levels: [YAMLNode?], base: Datum) throws(Failure) -> Datum {
    let empty: Datum = ["count": .null, "period": .null]
    var current: DatumMap? =
      base.map ?? ["warn_after": empty, "error_after": empty, "filter": .null]
    for level in levels {
      guard let level else { continue }
      guard let pairs = level.mapping else {
        current = nil
        continue
      }
      var map = current ?? ["warn_after": empty, "error_after": empty, "filter": .null]
      for (key, value) in pairs {
        if key.keyText == "filter" || value.isNull {
          map[key.keyText] = value.datum
          continue
        }
        guard key.keyText == "warn_after" || key.keyText == "error_after" else { continue }
        // `{}` leaves the upper level's threshold as it is.
        if value.mapping?.isEmpty == true { continue }
        // Half a threshold is none, as in dbt.
        guard let count = value["count"], let period = value["period"] else {
          map[key.keyText] = .null
          continue
        }
        guard ["minute", "hour", "day"].contains(period.datum.pythonText), count.int != nil else {
          throw Failure(
            .parsing,
            Diagnostic(
              id: "source.bad-threshold",
              message: "\(key.keyText) must have a whole number as 'count' and minute, hour or day "
                + "as 'period'",
              span: value.span
            )
          )
        }
        map[key.keyText] = ["count": count.datum, "period": period.datum]
      }
      current = map
    }
    return current.map(Datum.map) ?? .null
  }
}
