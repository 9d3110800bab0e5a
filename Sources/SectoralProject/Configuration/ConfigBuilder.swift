package import SectoralText
package import SectoralYAML

/// The configurations that one place gives: a level of dbt_project.yml, a properties entry, the
/// `config()` calls of a file.
package struct ConfigLayer: Sendable {
  package var values: DatumMap
  /// Where a key was written, for messages.
  package var origins: [String: TextSpan]
  /// Where the layer as a whole stands.
  package var origin: TextSpan?

  package init(_ values: DatumMap, origin: TextSpan? = nil, origins: [String: TextSpan] = [:]) {
    self.values = values
    self.origin = origin
    self.origins = origins
  }
}

/// Joins layers, weak to strong, into the configuration of one resource.
package struct ConfigBuilder {
  private let schema: ConfigSchema
  package private(set) var config: DatumMap
  package private(set) var unrendered = DatumMap()
  private var origins: [String: TextSpan] = [:]

  package init(_ type: ResourceType) {
    schema = ConfigSchema.of(type)
    config = schema.defaults
  }

  package mutating func add(_ layer: ConfigLayer, unrendered raw: DatumMap? = nil) {
    for (key, value) in layer.values.entries {
      // Of two spellings in one place the one with the underscore counts.
      if key == "pre-hook", layer.values["pre_hook"] != nil { continue }
      if key == "post-hook", layer.values["post_hook"] != nil { continue }
      add(Self.canonicalKey(key), value, layer, key)
    }
    for (key, value) in (raw ?? layer.values).entries { unrendered[key] = value }
  }

  /// Adds the `config()` calls of one file, which as a whole are one layer; `unrendered` is what is kept
  /// of them beside their values.
  package mutating func add(calls: [ConfigLayer], unrendered raw: DatumMap? = nil) {
    var written = DatumMap()
    // As dbt, which joins calls alike for all nodes, also what means nothing to this one.
    let nodeSchema = ConfigSchema.of(.model)
    for call in calls {
      for (key, value) in call.values.entries { add(Self.canonicalKey(key), value, call, key) }
      let isFirst = written.isEmpty
      for (key, value) in call.values.entries {
        let merge = schema[key]?.merge ?? nodeSchema[key]?.merge ?? .replace
        guard let older = written[key] else {
          written[key] = isFirst ? value : Self.listed(value, merge)
          continue
        }
        switch (merge, Self.listed(older, merge), value) {
        case (.grants, .map(var map), .map(let added)):
          for (name, item) in added.entries {
            let kept = name.hasPrefix("+") ? map[name]?.list ?? [] : []
            map[name] = .list(kept + Self.list(item))
          }
          written[key] = .map(map)
        case (.append, _, _): written[key] = .list(Self.list(older) + Self.list(value))
        case (.update, .map(var map), .map(let added)):
          for (name, item) in added.entries { map[name] = item }
          written[key] = .map(map)
        default: written[key] = value
        }
      }
    }
    for (key, value) in written.entries where schema[key] == nil { config[key] = value }
    for (key, value) in (raw ?? written).entries { unrendered[key] = value }
  }

  /// `pre_hook` and `pre-hook` are one key; so are the post-hooks.
  package static func canonicalKey(_ key: String) -> String {
    switch key {
    case "pre_hook": "pre-hook"
    case "post_hook": "post-hook"
    default: key
    }
  }

  private mutating func add(_ key: String, _ value: Datum, _ layer: ConfigLayer, _ written: String)
  {
    origins[key] = layer.origins[written] ?? layer.origin
    let field = schema[key]
    switch field?.merge ?? .replace {
    case .replace:
      config[key] = completed(key, value)
    case .append:
      // Nothing is no list, and is refused in the end.
      let added =
        value.isNull ? [.null] : field?.type == .hooks ? Self.hooks(value) : Self.list(value)
      config[key] = .list((config[key]?.list ?? []) + added)
    case .update:
      var value = value
      if field?.type == .versionPointer, let isOn = value.bool { value = ["enabled": .bool(isOn)] }
      guard case .map(let added) = value, var map = config[key]?.map else {
        config[key] = value
        return
      }
      // A contract has no more to say than dbt knows of.
      for (name, item) in added.entries where key != "contract" || map[name] != nil {
        map[name] = item
      }
      config[key] = .map(map)
    case .grants:
      guard case .map(let added) = value, var map = config[key]?.map else {
        config[key] = value
        return
      }
      for (name, item) in added.entries {
        if name.hasPrefix("+") {
          let privilege = String(name.dropFirst())
          map[privilege] = .list((map[privilege]?.list ?? []) + Self.list(item))
        } else {
          map[name] = .list(Self.list(item))
        }
      }
      config[key] = .map(map)
    }
  }

  /// As dbt keeps settings that have a fixed set of parts: what is not said has its default.
  private func completed(_ key: String, _ value: Datum) -> Datum {
    guard let field = schema[key], var map = value.map else { return value }
    if key == "freshness", let said = map["build_after"]?.map {
      var parts: DatumMap = ["count": .null, "period": .null, "updates_on": "any"]
      for (name, part) in said.entries { parts[name] = part }
      map["build_after"] = .map(parts)
      return .map(map)
    }
    guard key == "snapshot_meta_column_names", var parts = field.initial.map else { return value }
    for (name, part) in map.entries { parts[name] = part }
    return .map(parts)
  }

  /// As dbt keeps what may be added to.
  private static func listed(_ value: Datum, _ merge: ConfigMerge) -> Datum {
    switch (merge, value) {
    case (.append, _): .list(list(value))
    case (.grants, .map(let map)):
      .map(DatumMap(map.entries.map { (key: $0.key, value: .list(list($0.value))) }))
    default: value
    }
  }

  private static func list(_ value: Datum) -> [Datum] {
    switch value {
    case .null: []
    case .list(let list): list
    default: [value]
    }
  }

  /// A hook is text, `{sql, transaction}`, or the JSON text of such a mapping, as the helper macros
  /// `after_commit` and `before_begin` give.
  private static func hooks(_ value: Datum) -> [Datum] {
    list(value).map { hook in
      if hook.isNull { return hook }
      var map = hook.map ?? DatumMap()
      if case .string(let text) = hook {
        map = hookConfiguration(text) ?? ["sql": .string(text)]
      }
      return .map([
        "sql": map["sql"] ?? .string(""), "transaction": map["transaction"] ?? .bool(true),
        "index": map["index"] ?? .null,
      ])
    }
  }

  private static func hookConfiguration(_ text: String) -> DatumMap? {
    // The helpers' text begins with the blanks of their template.
    guard text.first(where: { !$0.isWhitespace }) == "{",
      let map = (try? JSON.parse(text))?.map, map["sql"]?.string != nil
    else { return nil }
    return map
  }

  /// Keys that mean nothing, and look like one that does.
  package func misspelt() -> [Diagnostic] {
    config.entries.dropFirst(schema.fields.count).compactMap { key, _ in
      guard let near = schema.known(near: key) else { return nil }
      return Diagnostic(
        id: "config.misspelt-key",
        severity: .warning,
        message: "Custom key `\(key)` found in a config, which means nothing to dbt",
        span: origins[key]?.key(named: key),
        hint: "did you mean '\(near)'? What is your own belongs under 'meta'"
      )
    }
  }

  /// What does not fit the schema, each with the place that wrote it.
  /// `isBare`: without the place in front, as dbt words it for what has no template.
  package func problems(of resource: String, isBare: Bool = false) -> [Diagnostic] {
    var problems: [Diagnostic] = []
    // The defaults came first, in the order of the fields, and a value that is set keeps its place.
    let entries = config.entries
    for index in 0..<min(schema.fields.count, entries.count)
    where !schema.fields[index].accepts(entries[index].value) {
      problems.append(problem(schema.fields[index], entries[index].value, of: resource, isBare))
    }
    for field in schema.laterFields {
      guard let value = config[field.name], !field.accepts(value) else { continue }
      problems.append(problem(field, value, of: resource, isBare))
    }
    return problems
  }

  private func problem(
    _ field: ConfigField,
    _ value: Datum,
    of resource: String,
    _ isBare: Bool
  ) -> Diagnostic {
    Diagnostic(
      id: "config.wrong-type",
      message: (isBare ? "" : "at path ['\(field.name)']: ")
        + "\(value.pythonRepr) \(field.type.complaint)",
      span: origins[field.name],
      hint: field.hint(for: value)
        ?? "the config '\(field.name)' of \(resource) must be \(field.type.words)"
    )
  }
}

extension ConfigField {
  func accepts(_ value: Datum) -> Bool {
    if value.isNull { return isNullable }
    // Dates are texts to dbt's check.
    func isText(_ value: Datum) -> Bool {
      if case .date = value { true } else { value.string != nil }
    }
    return switch type {
    case .any: true
    case .bool: value.bool != nil
    case .text: isText(value)
    case .int: value.int != nil
    case .map, .docs: value.map != nil
    case .textOrList: isText(value) || (value.list?.allSatisfy(isText) ?? false)
    case .listOfText: value.list?.allSatisfy(isText) ?? false
    case .hooks: value.list?.allSatisfy { $0["sql"]?.string != nil } ?? false
    case .severity: ["error", "warn"].contains(value.string?.lowercased() ?? "")
    case .access: ConfigType.accessLevels.contains(value.string ?? "")
    case .onError: ConfigType.errorChoices.contains(value.string ?? "")
    case .versionPointer:
      value.map?.entries.allSatisfy { key, value in
        switch key {
        case "enabled": value.isNull || value.bool != nil
        case "alias": value.isNull || value.string != nil
        default: false
        }
      } ?? false
    }
  }

  func hint(for value: Datum) -> String? {
    switch (type, value) {
    case (.bool, .string(let text))
    where ["true", "false", "yes", "no"].contains(text.lowercased()):
      "write \(name): \(text.lowercased()) without quotes, or "
        + "\"{{ … | as_bool }}\" when a template gives it"
    case (.text, .int), (.text, .float), (.text, .bool): "put the value in quotes"
    case (.severity, _): "write 'error' or 'warn'"
    case (.access, .string(let text)):
      Spelling.nearest(to: text, among: ConfigType.accessLevels).map { "did you mean '\($0)'?" }
    case (.onError, .string(let text)):
      Spelling.nearest(to: text, among: ConfigType.errorChoices).map { "did you mean '\($0)'?" }
    default: nil
    }
  }
}

extension ConfigType {
  static let accessLevels = ["private", "protected", "public"]
  static let errorChoices = ["skip_children", "continue"]

  /// What dbt says of a value that does not fit.
  var complaint: String {
    switch self {
    case .any, .textOrList, .hooks: "is not valid under any of the given schemas"
    case .bool: "is not of type 'boolean'"
    case .text: "is not of type 'string'"
    case .int: "is not of type 'integer'"
    case .map, .docs: "is not of type 'object'"
    case .listOfText: "is not of type 'array'"
    case .severity: "does not match '^([Ww][Aa][Rr][Nn]|[Ee][Rr][Rr][Oo][Rr])$'"
    case .access: "is not one of ['private', 'protected', 'public']"
    case .onError: "is not one of ['skip_children', 'continue']"
    case .versionPointer: "is not valid under any of the given schemas"
    }
  }

  var words: String {
    switch self {
    case .any: "a value"
    case .bool: "true or false"
    case .text: "text"
    case .int: "a whole number"
    case .map, .docs: "a mapping of keys to values"
    case .textOrList: "text or a list of texts"
    case .listOfText: "a list of texts"
    case .hooks: "SQL text, or a list of them, or mappings with a key 'sql'"
    case .severity: "'error' or 'warn'"
    case .access: "private, protected or public"
    case .onError: "skip_children or continue"
    case .versionPointer: "true or false, or a mapping with the keys 'enabled' and 'alias'"
    }
  }
}

extension Datum {
  /// What a value is, for messages.
  package var words: String {
    switch self {
    case .null: "null"
    case .bool(let bool): bool ? "true" : "false"
    case .int, .bigInt, .float: "the number \(pythonText)"
    case .string(let text): "the text '\(text)'"
    case .date(let text): "the date \(text)"
    case .list: "a list"
    case .map: "a mapping"
    }
  }
}
