import SectoralJinja
import SectoralProject
import SectoralText
import SectoralYAML

/// Reads exposures and groups.
struct PlainResourceReader {
  let workspace: Workspace
  let descriptions: DescriptionRenderer
  let createdAt: Double

  func read(
    _ file: PropertiesFile,
    into manifest: inout Manifest,
    _ warnings: inout [NamedWarning],
    _ failures: inout [Failure]
  ) {
    for (name, entry) in file.entries("groups") {
      do {
        manifest.groups.append(try group(name, entry, file))
      } catch { failures.append(error) }
    }
    for (name, entry) in file.entries("exposures") {
      do {
        let exposure = try exposure(name, entry, file, &warnings)
        if !name.unicodeScalars.allSatisfy(Self.isNameScalar) {
          warnings.append(Self.exposureName(name, entry))
        }
        if exposure.isEnabled {
          manifest.exposures.append(exposure)
        } else {
          manifest.disabledResources.append(exposure)
        }
      } catch { failures.append(error) }
    }
  }

  /// As Python's `[\\w-]`.
  private static func isNameScalar(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "_" || scalar == "-" || scalar.properties.isAlphabetic
      || scalar.properties.numericType != nil
  }

  private static func exposureName(_ name: String, _ entry: YAMLNode) -> NamedWarning {
    NamedWarning(
      "ExposureNameDeprecation",
      Diagnostic(
        id: "exposure.name",
        severity: .warning,
        message: "Starting in v1.3, the 'name' of an exposure should contain only letters, "
          + "numbers, and underscores. '\(name)' holds others, and a later dbt will refuse it",
        span: entry["name"]?.span ?? entry.span,
        hint: "give it a plain 'name', and put this text into 'label'"
      )
    )
  }

  static func twice(_ resource: PlainResource, _ other: PlainResource) -> Failure {
    Failure(
      .compilation,
      Diagnostic(
        id: "resource.duplicate",
        message: "dbt found two \(resource.resourceType.plural) with the name \"\(resource.name)\"."
          + "\n\nSince these resources have the same name, dbt will be unable to find the correct "
          + "resource\nwhen looking for \(resource.name).\n\nTo fix this, change the name of one of "
          + "these resources:\n- \(other.uniqueID) (\(other.originalFilePath))\n"
          + "- \(resource.uniqueID) (\(resource.originalFilePath))",
        span: resource.declaration,
        hint: "rename one of them; the other is at "
          + (other.declaration?.placeText ?? other.originalFilePath)
      )
    )
  }

  private func resource(
    _ type: ResourceType,
    _ name: String,
    _ entry: YAMLNode,
    _ file: PropertiesFile,
    _ fields: DatumMap
  ) -> PlainResource {
    PlainResource(
      uniqueID: "\(type.rawValue).\(file.package).\(name)",
      resourceType: type,
      name: name,
      packageName: file.package,
      originalFilePath: file.file.originalFilePath,
      fqn: [file.package] + file.folders + [name],
      declaration: entry.span,
      fields: fields
    )
  }

  private func owner(_ entry: YAMLNode, of words: String) throws(Failure) -> Datum {
    let owner = entry["owner"]
    guard let owner, owner["name"] != nil || owner["email"] != nil else {
      throw Failure(
        .parsing,
        Diagnostic(
          id: "properties.no-owner",
          message: "\(words) needs an owner with a name or an email",
          span: (owner ?? entry).span,
          hint: "add 'owner: {name: …, email: …}'"
        )
      )
    }
    var map: DatumMap = [
      "email": owner["email"]?.datum ?? .null, "name": owner["name"]?.datum ?? .null,
    ]
    for (key, value) in owner.mapping ?? [] { map[key.keyText] = value.datum }
    return .map(map)
  }

  private func group(
    _ name: String,
    _ entry: YAMLNode,
    _ file: PropertiesFile
  ) throws(Failure) -> PlainResource {
    let description = entry["description"].flatMap { $0.isNull ? nil : $0.datum.pythonText }
    let fields: DatumMap = [
      "owner": try owner(entry, of: "the group '\(name)'"), "description": .optional(description),
    ]
    let group = resource(.group, name, entry, file, fields)
    // dbt takes groups for models here: what the tree of models says of their place applies, hooks aside.
    var builder = ConfigBuilder(.group)
    let fqn = [file.package] + file.folders + [name]
    let levels = workspace.configLevels(of: .model, for: fqn, in: file.package)
    for level in levels.own { builder.add(level.layer) }
    if let config = entry["config"]?.datum.map {
      builder.add(ConfigLayer(config, origin: entry.span))
    }
    for level in levels.root { builder.add(level.layer) }
    group.config = builder.config
    for key in ["pre-hook", "post-hook"] { group.config[key] = nil }
    return group
  }

  private func exposure(
    _ name: String,
    _ entry: YAMLNode,
    _ file: PropertiesFile,
    _ warnings: inout [NamedWarning]
  ) throws(Failure) -> PlainResource {
    let types = ["dashboard", "notebook", "analysis", "ml", "application"]
    guard let type = entry["type"]?.string, types.contains(type) else {
      throw Failure(
        .parsing,
        Diagnostic(
          id: "exposure.bad-type",
          message: "the exposure '\(name)' must have a type: \(types.joined(separator: ", "))",
          span: (entry["type"] ?? entry).span
        )
      )
    }
    let maturities = ["low", "medium", "high"]
    if let maturity = entry["maturity"], !maturity.isNull,
      !maturities.contains(maturity.string ?? "")
    {
      throw Failure(
        .parsing,
        Diagnostic(
          id: "exposure.bad-maturity",
          message: "the maturity of the exposure '\(name)' must be one of "
            + maturities.joined(separator: ", "),
          span: maturity.span
        )
      )
    }
    // The configurations of the project's tree, key by key replaced by those of the entry; tags and
    // meta beside `config`, and those that stand in `exposures:` itself without a "+", join them.
    var written = DatumMap()
    var unrendered = DatumMap()
    func add(_ values: DatumMap, unrendered raw: DatumMap) {
      for (key, value) in values.entries { written[key] = value }
      for (key, value) in raw.entries { unrendered[key] = value }
    }
    let fqn = [file.package] + file.folders + [name]
    let levels = workspace.configLevels(of: .exposure, for: fqn, in: file.package)
    for level in levels.own { add(level.layer.values, unrendered: level.unrendered) }
    let config = entry["config"]?.datum.map ?? [:]
    add(config, unrendered: config)
    for level in levels.root { add(level.layer.values, unrendered: level.unrendered) }
    // As dbt goes through them: a single text is the list of its letters.
    var tags = Set(written["tags"]?.string?.map(String.init) ?? written["tags"]?.texts ?? [])
    tags.formUnion(entry["tags"]?.datum.texts ?? [])
    let shared = workspace.package(file.package)?.definition.trees[.exposure]?.plain
    tags.formUnion(shared?["tags"]?.texts ?? [])
    var meta = shared?["meta"]?.map ?? DatumMap()
    for (key, value) in (entry["meta"]?.datum.map ?? [:]).entries { meta[key] = value }
    for (key, value) in (written["meta"]?.map ?? [:]).entries { meta[key] = value }
    var builder = ConfigBuilder(.exposure)
    var values = written
    values["tags"] = .strings(tags.sorted())
    values["meta"] = .map(meta)
    builder.add(ConfigLayer(values, origin: entry.span), unrendered: unrendered)
    let problems = builder.problems(of: "exposure \(name)", isBare: true)
    guard problems.isEmpty else { throw Failure(.plain, problems) }
    let isEnabled = builder.config["enabled"]?.bool ?? true
    let shapes = PropertyShapes(
      descriptions: isEnabled ? descriptions : nil,
      package: file.package
    )
    let description = try shapes.description(entry["description"]).text
    let exposure = resource(
      .exposure,
      name,
      entry,
      file,
      [
        "type": .string(type), "owner": try owner(entry, of: "the exposure '\(name)'"),
        "description": .string(description), "label": entry["label"]?.datum ?? .null,
        "maturity": entry["maturity"]?.datum ?? .null, "meta": builder.config["meta"] ?? .null,
        "url": entry["url"]?.datum ?? .null, "unrendered_config": .map(builder.unrendered),
        "metrics": .list([]), "created_at": .float(createdAt),
      ]
    )
    exposure.config = builder.config
    exposure.written = entry
    exposure.tags = builder.config["tags"]?.texts ?? []
    for item in entry["depends_on"]?.sequence ?? [] {
      if let metric = ReferenceText.metric(item.datum.pythonText) {
        exposure.fields["metrics"] = .list(
          (exposure.fields["metrics"]?.list ?? []) + [.strings(metric)]
        )
        continue
      }
      guard let call = ReferenceText(item.datum.pythonText) else {
        var problem = Diagnostic(
          id: "exposure.bad-reference",
          message: "'\(item.datum.pythonString)' is no ref('…'), source('…', '…') or metric('…')",
          span: item.span,
          hint: "for instance ref('\(item.datum.pythonText)')"
        )
        guard isExpression(item.datum.pythonText) else { throw Failure(.parsing, problem) }
        // As dbt, for which it is an expression that refers to nothing.
        problem.severity = .warning
        warnings.append(NamedWarning("Note", problem))
        continue
      }
      switch call {
      case .ref(let reference): exposure.refs.append(reference)
      case .source(let names): exposure.sources.append(names)
      }
    }
    return exposure
  }

  private func isExpression(_ text: String) -> Bool {
    let file = SourceFile(path: "depends_on", bytes: Array("{{ \(text) }}".utf8))
    return workspace.environment.parse(file).diagnostics.isEmpty
  }
}

/// `ref('x')` or `source('a', 'b')` as a plain string.
enum ReferenceText {
  case ref(Reference)
  case source([String])

  /// The names in `metric('x')` or `metric('package', 'x')`.
  static func metric(_ text: String) -> [String]? {
    guard let (name, inner) = call(text), name == "metric" else { return nil }
    return inner.split(separator: ",").map { String($0.trimmingBlanks.trimmingQuotes) }
  }

  private static func call(_ text: String) -> (name: String, inner: Substring)? {
    let trimmed = text.trimmingBlanks
    guard let open = trimmed.firstIndex(of: "("), trimmed.hasSuffix(")") else { return nil }
    let name = String(trimmed[..<open].trimmingBlanks)
    return (name, Substring(trimmed[trimmed.index(after: open)...].dropLast()))
  }

  init?(_ text: String) {
    guard let (name, inner) = Self.call(text) else { return nil }
    var names: [String] = []
    var version: Datum?
    for part in inner.split(separator: ",") {
      let part = part.trimmingBlanks
      if let equals = part.firstIndex(of: "=") {
        let value = part[part.index(after: equals)...].trimmingBlanks
        version =
          Int(value).map(Datum.int) ?? Double(value).map(Datum.float)
          ?? .string(String(value.trimmingQuotes))
      } else {
        names.append(String(part.trimmingQuotes))
      }
    }
    switch (name, names.count) {
    case ("ref", 1): self = .ref(Reference(name: names[0], version: version))
    case ("ref", 2): self = .ref(Reference(name: names[1], package: names[0], version: version))
    case ("source", 2): self = .source(names)
    default: return nil
    }
  }
}

extension StringProtocol {
  fileprivate var trimmingQuotes: SubSequence {
    guard let first, first == "'" || first == "\"", count >= 2, last == first else {
      return self[startIndex..<endIndex]
    }
    return dropFirst().dropLast()
  }
}

/// The columns that identify a model's rows, as dbt infers them (spec: artifacts, section 8).
enum PrimaryKey {
  static func infer(_ node: Node, tests: [Node]) -> [String] {
    for constraint in node.constraints where constraint["type"]?.string == "primary_key" {
      return (constraint["columns"]?.texts ?? []).sorted()
    }
    for (name, column) in node.columns.entries {
      let isKey =
        column["constraints"]?.list?.contains { $0["type"]?.string == "primary_key" } ?? false
      if isKey { return [name] }
    }
    var unique: Set<String> = []
    var uniqueOnceEnabled: Set<String> = []
    var notNull: Set<String> = []
    for test in tests {
      func note(_ columns: [String]) {
        if test.isEnabled {
          unique.formUnion(columns)
        } else {
          uniqueOnceEnabled.formUnion(columns)
        }
      }
      guard let metadata = test.testMetadata else { continue }
      // Tests may take what they like under these names: only texts are columns.
      var columns: [String] = []
      if let column = metadata.arguments["column_name"]?.string {
        columns = [column]
      } else if let list = metadata.arguments["combination_of_columns"]?.list {
        columns = list.compactMap(\.string)
      }
      switch metadata.name {
      case "unique", "unique_combination_of_columns": note(columns)
      case "not_null": notNull.formUnion(columns)
      default: continue
      }
    }
    let both = unique.union(uniqueOnceEnabled).intersection(notNull)
    return [both, unique, uniqueOnceEnabled].first { !$0.isEmpty }?.sorted() ?? []
  }
}
