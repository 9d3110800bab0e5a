import SectoralProject
import SectoralText
import SectoralYAML

/// Reads the `unit_tests` of properties files.
struct UnitTestReader {
  let workspace: Workspace
  let descriptions: DescriptionRenderer
  let createdAt: Double

  func read(_ file: PropertiesFile, into manifest: inout Manifest, _ failures: inout [Failure]) {
    for (name, entry) in file.entries("unit_tests") {
      do {
        let test = try unitTest(name, entry, file)
        if test.isEnabled {
          manifest.unitTests.append(test)
        } else {
          manifest.disabledResources.append(test)
        }
      } catch { failures.append(error) }
    }
  }

  private func unitTest(
    _ name: String,
    _ entry: YAMLNode,
    _ file: PropertiesFile
  ) throws(Failure) -> PlainResource {
    func problem(_ id: String, _ message: String, at place: YAMLNode, hint: String) -> Failure {
      Failure(.parsing, Diagnostic(id: id, message: message, span: place.span, hint: hint))
    }
    guard let model = entry["model"]?.string else {
      throw problem(
        "unit-test.no-model",
        "the unit test '\(name)' names no model",
        at: entry,
        hint: "add 'model: …'"
      )
    }
    guard let expect = entry["expect"] else {
      throw problem(
        "unit-test.no-expect",
        "the unit test '\(name)' expects nothing",
        at: entry,
        hint: "add 'expect: {rows: [{column: value}]}'"
      )
    }
    guard entry["given"] != nil else {
      throw problem(
        "unit-test.no-given",
        "the unit test '\(name)' is given nothing",
        at: entry,
        hint: "add 'given:' with the rows of what the model reads, or 'given: []'"
      )
    }
    if expect["rows"]?.isNull ?? true, expect["fixture"]?.isNull ?? true {
      throw problem(
        "unit-test.no-rows",
        "the unit test '\(name)' does not say which rows it expects",
        at: expect,
        hint: "add 'rows:' below 'expect:'; 'rows: []' expects none"
      )
    }
    var given: [Datum] = []
    var contents: [String] = []
    for input in entry["given"]?.sequence ?? [] {
      guard let text = input["input"]?.string, UnitTestInput(text) != nil else {
        throw problem(
          "unit-test.bad-input",
          "an input of the unit test '\(name)' must be ref('…'), source('…', '…') or this",
          at: input["input"] ?? input,
          hint: "write - input: ref('model')"
        )
      }
      var map: DatumMap = ["input": .string(text)]
      var rows = try rows(input, of: name, file)
      if input["rows"]?.isNull ?? true, input["fixture"]?.isNull ?? true {
        rows["rows"] = try seedRows(text, of: name, at: input, file)
      }
      for (key, value) in rows.entries { map[key] = value }
      if rows["fixture"]?.string != nil { contents.append((rows["rows"] ?? .null).pythonString) }
      given.append(.map(map))
    }
    // dbt leaves docs blocks out of these.
    let description = entry["description"].map { $0.isNull ? "" : $0.datum.pythonText } ?? ""
    let expected = try rows(expect, of: name, file)
    let overridden = overrides(entry["overrides"])
    let tested = try versions(entry["versions"], of: name)
    let identity = UnitTestIdentity(
      model: model,
      versions: tested,
      given: given,
      expect: expected,
      overrides: overridden,
      contents: contents
    )
    let fqn = [file.package] + file.folders + [model, name]
    let test = PlainResource(
      uniqueID: "unit_test.\(file.package).\(model).\(name)",
      resourceType: .unitTest,
      name: name,
      packageName: file.package,
      originalFilePath: file.file.originalFilePath,
      fqn: fqn,
      declaration: (entry["name"] ?? entry).span,
      fields: [
        "model": .string(model), "path": .string(file.file.path), "given": .list(given),
        "expect": .map(expected), "description": .string(description), "overrides": overridden,
        "checksum": .string(identity.checksum),
        "schema": .null, "created_at": .float(createdAt),
        "versions": tested, "version": .null,
      ]
    )
    var builder = ConfigBuilder(.unitTest)
    let levels = workspace.configLevels(of: .unitTest, for: fqn, in: file.package)
    for level in levels.own { builder.add(level.layer) }
    if let config = entry["config"]?.datum.map {
      builder.add(ConfigLayer(config, origin: entry.span))
    }
    for level in levels.root { builder.add(level.layer) }
    let problems = builder.problems(of: "unit test \(name)")
    guard problems.isEmpty else { throw Failure(.parsing, problems) }
    test.config = builder.config
    test.tags = builder.config["tags"]?.texts ?? []
    return test
  }

  /// Which versions of the model are tested.
  private func versions(_ node: YAMLNode?, of test: String) throws(Failure) -> Datum {
    guard let node, !node.isNull else { return .null }
    let include = node["include"]?.datum ?? .null
    let exclude = node["exclude"]?.datum ?? .null
    guard include.isNull || exclude.isNull else {
      throw Failure(
        .parsing,
        Diagnostic(
          id: "unit-test.two-version-lists",
          message: "the unit test '\(test)': Unit tests can not both include and exclude versions.",
          span: node.span,
          hint: "keep one of 'include' and 'exclude'"
        )
      )
    }
    return .map(["include": include, "exclude": exclude])
  }

  private func overrides(_ node: YAMLNode?) -> Datum {
    guard let node, !node.isNull else { return .null }
    func part(_ key: String) -> Datum { node[key]?.datum ?? .map(DatumMap()) }
    return .map([
      "macros": part("macros"), "vars": part("vars"), "env_vars": part("env_vars"),
    ])
  }

  /// `rows`, `format` and `fixture` of an input or of what is expected; rows of CSV as dictionaries.
  private func rows(
    _ entry: YAMLNode,
    of test: String,
    _ file: PropertiesFile
  ) throws(Failure) -> DatumMap {
    let format = entry["format"]?.string ?? "dict"
    func problem(_ id: String, _ message: String, _ hint: String) -> Failure {
      Failure(
        .parsing,
        Diagnostic(
          id: id,
          message: "the unit test '\(test)': \(message)",
          span: (entry["format"] ?? entry["rows"] ?? entry).span,
          hint: hint
        )
      )
    }
    guard ["dict", "csv", "sql"].contains(format) else {
      throw problem(
        "unit-test.bad-format",
        "'\(format)' is no format of rows",
        "it must be dict, csv or sql"
      )
    }
    let fixture = entry["fixture"]?.string
    var rows = entry["rows"]?.datum ?? .null
    let isGiven = entry["input"] != nil
    if let fixture { rows = .string(try contents(of: fixture, format, test, entry, file)) }
    switch (format, rows) {
    case ("dict", .null): rows = .list([])
    case ("dict", .list(let items)) where items.allSatisfy({ $0.map != nil }):
      rows = .list(items.map(Self.withoutDates))
    case ("csv", .string(let text)): rows = .list(Self.csv(text))
    case ("sql", .string): break
    // An input without rows gets those of a seed.
    case ("csv", .null) where isGiven, ("sql", .null) where isGiven: break
    default:
      let whose = isGiven ? "given" : "expected"
      throw Failure(
        .parsing,
        Diagnostic(
          id: "unit-test.bad-rows",
          message: "Unit test \(test) has \(whose) rows"
            + (format == "dict"
              ? " which do not match format dict"
              : " or fixtures which do not match format \(format).  Expected string."),
          span: (entry["rows"] ?? entry["format"] ?? entry).span,
          hint: format == "dict"
            ? "write rows: [{column: value}]"
            : "write rows: | and the text below it, or fixture: file_name"
        )
      )
    }
    // The first row gives the types: one that has every value, if there is one.
    if case .list(var items) = rows, let first = items.first, !first.isComplete,
      let index = items.firstIndex(where: \.isComplete)
    {
      items.swapAt(0, index)
      rows = .list(items)
    }
    return ["rows": rows, "format": .string(format), "fixture": fixture.map(Datum.string) ?? .null]
  }

  /// The rows of a seed, for an input that has none of its own.
  private func seedRows(
    _ input: String,
    of test: String,
    at place: YAMLNode,
    _ file: PropertiesFile
  ) throws(Failure) -> Datum {
    var name = input
    if case .ref(let reference)? = ReferenceText(input) {
      name = reference.name
      for package in [reference.package ?? file.package, workspace.root.name] {
        let files = workspace.package(package)?.files ?? []
        for seed in files where seed.kind == .seed && FileSystem.stem(of: seed.path) == name {
          guard seed.file.bytes.count > ProjectFiles.largestSeedWithChecksum,
            let root = workspace.package(package)?.definition.root
          else { return .list(Self.csv(seed.text, emptyIsNull: false)) }
          // Of a large one only the beginning was read.
          let bytes = try FileSystem.read("\(root)/\(seed.originalFilePath)")
          return .list(Self.csv(String(decoding: bytes, as: UTF8.self), emptyIsNull: false))
        }
      }
    }
    throw Failure(
      .parsing,
      Diagnostic(
        id: "unit-test.no-rows",
        message: "Unable to find seed '\(file.package).\(name)' for unit tests in directories: "
          + Datum.strings(workspace.package(file.package)?.definition.seedPaths ?? []).pythonRepr,
        span: (place["input"] ?? place).span,
        hint: "give the input 'rows' or a 'fixture': only seeds bring rows of their own"
      )
    )
  }

  private func contents(
    of fixture: String,
    _ format: String,
    _ test: String,
    _ entry: YAMLNode,
    _ file: PropertiesFile
  ) throws(Failure) -> String {
    let files = (workspace.package(file.package)?.files ?? []).filter { $0.kind == .fixture }
    let wanted = "\(fixture).\(format)"
    let found = files.filter { FileSystem.name(of: $0.path) == wanted }
    if found.count > 1 {
      throw Failure(
        .compilation,
        Diagnostic(
          id: "unit-test.two-fixtures",
          message: "dbt found two fixtures with the name \"\(fixture)\".\n\nSince these resources "
            + "have the same name, dbt will be unable to find the correct resource\nwhen looking for "
            + "\(fixture).\n\nTo fix this, change the name of one of these resources:\n"
            + found.map { "- fixture.\(file.package).\(fixture) (\($0.originalFilePath))" }
            .joined(separator: "\n"),
          span: found[1].file.startSpan,
          hint: "rename one of the files"
        )
      )
    }
    if let found = found.first { return found.text }
    let names = files.map { FileSystem.stem(of: $0.path) }
    throw Failure(
      .parsing,
      Diagnostic(
        id: "unit-test.no-fixture",
        message: "File not found for fixture '\(fixture)' in unit tests in "
          + file.file.originalFilePath,
        span: entry["fixture"]?.span ?? entry.span,
        hint: Spelling.nearest(to: fixture, among: names).map { "did you mean '\($0)'?" }
          ?? "it must be tests/fixtures/\(wanted)"
      )
    )
  }

  /// A date is sent as the text that it was written as: the column says what it becomes.
  private static func withoutDates(_ row: Datum) -> Datum {
    guard var map = row.map else { return row }
    for (key, value) in map.entries {
      if case .date(let text) = value { map[key] = .string(text) }
    }
    return .map(map)
  }

  /// Every value is text; an empty one is null.
  static func csv(_ text: String, emptyIsNull: Bool = true) -> [Datum] {
    var records: [[String]] = []
    var record: [String] = []
    var field: [UInt8] = []
    var isQuoted = false
    var isStarted = false
    let bytes = Array(text.utf8)
    func isAt(_ index: Int, _ character: Unicode.Scalar) -> Bool {
      index < bytes.count && bytes[index] == UInt8(ascii: character)
    }
    func endField() {
      record.append(String(decoding: field, as: UTF8.self))
      field = []
    }
    func endRecord() {
      guard isStarted else { return }
      endField()
      records.append(record)
      record = []
      isStarted = false
    }
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if isQuoted {
        if byte == UInt8(ascii: "\""), isAt(index + 1, "\"") {
          field.append(byte)
          index += 1
        } else if byte == UInt8(ascii: "\"") {
          isQuoted = false
        } else {
          field.append(byte)
        }
      } else if byte == UInt8(ascii: "\""), field.isEmpty {
        isQuoted = true
        isStarted = true
      } else if byte == UInt8(ascii: ",") {
        isStarted = true
        endField()
      } else if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
        endRecord()
      } else {
        isStarted = true
        field.append(byte)
      }
      index += 1
    }
    endRecord()
    guard let names = records.first?.map({ String($0.trimmingBlanks) }) else { return [] }
    return records.dropFirst().map { record in
      var map = DatumMap()
      for (index, name) in names.enumerated() {
        let value = index < record.count ? record[index] : ""
        map[name] = value.isEmpty && emptyIsNull ? .null : .string(value)
      }
      return .map(map)
    }
  }

  /// A test of a model that asks `is_incremental()` says what the answer is, and what stands in the
  /// model's own table then.
  private static func checkIncremental(
    _ test: PlainResource,
    _ model: Node,
    _ failures: inout [Failure]
  ) {
    guard model.dependsOnMacros.contains("macro.dbt.is_incremental") else { return }
    func report(_ id: String, _ message: String, _ hint: String) {
      failures.append(
        Failure(
          .parsing,
          Diagnostic(id: id, message: message, span: test.declaration, hint: hint)
        )
      )
    }
    guard let isIncremental = test.fields["overrides"]?["macros"]?["is_incremental"]?.bool else {
      return report(
        "unit-test.no-override",
        "Boolean override for 'is_incremental' must be provided for unit test '\(test.name)' in "
          + "model '\(model.name)'",
        "add overrides: {macros: {is_incremental: true}}, or false"
      )
    }
    let inputs = (test.fields["given"]?.list ?? []).compactMap { $0["input"]?.string }
    guard !isIncremental || inputs.contains(where: { $0.trimmingBlanks == "this" }) else {
      return report(
        "unit-test.no-this",
        "Unit test '\(test.name)' for incremental model '\(model.name)' must have a 'this' input",
        "add - input: this, with the rows that the table holds already"
      )
    }
  }

  /// Finds the models; what tests a model that is not there is a mistake, as in dbt. A test of a
  /// model with versions becomes one for each.
  static func resolve(
    _ manifest: inout Manifest,
    _ references: ReferenceIndex,
    _ failures: inout [Failure]
  ) {
    var kept: [PlainResource] = []
    for test in manifest.unitTests {
      let name = test.fields["model"]?.string ?? ""
      func problem(_ id: String, _ message: String, _ hint: String?) {
        failures.append(
          Failure(
            .parsing,
            Diagnostic(id: id, message: message, span: test.declaration, hint: hint)
          )
        )
      }
      let versions = test.fields["versions"]?.map
      let reference = Reference(name: name, package: test.packageName)
      switch references.node(reference, from: test.packageName) {
      case .disabled: manifest.disabledResources.append(test)
      case .node(let model) where model.resourceType == .model && model.version == nil:
        guard versions?.values.allSatisfy(\.isNull) ?? true else {
          problem(
            "unit-test.no-versions",
            "Unit test '\(test.name)' should not have a versions include or exclude when referencing "
              + "non-versioned model '\(name)'",
            "take 'versions' out"
          )
          continue
        }
        test.dependsOnNodes = [model.uniqueID]
        test.fields["schema"] = model.schema.map(Datum.string) ?? .null
        checkIncremental(test, model, &failures)
        kept.append(test)
      case .node(let model) where model.resourceType == .model:
        let all = references.versions(of: model, named: name)
        let included = versions?["include"]?.list.map(Set.init(texts:))
        let excluded = versions?["exclude"]?.list.map(Set.init(texts:)) ?? []
        let known = Set(all.compactMap { $0.version?.pythonText })
        if let missing = (included ?? []).union(excluded).subtracting(known).min() {
          problem(
            "unit-test.version-not-found",
            "Unit test '\(test.name)' referenced a version of '\(name)' which was not found.",
            "there is no version '\(missing)' of it; these there are: "
              + known.sorted().joined(separator: ", ")
          )
          continue
        }
        for model in all {
          let text = model.version?.pythonText ?? ""
          guard included?.contains(text) ?? true, !excluded.contains(text) else { continue }
          let copy = test.copied(as: "\(test.uniqueID)_v\(text)")
          copy.fields["version"] = model.version
          copy.fields["schema"] = model.schema.map(Datum.string) ?? .null
          copy.dependsOnNodes = [model.uniqueID]
          kept.append(copy)
        }
      case .node, .missing, .ambiguous:
        problem(
          "unit-test.model-not-found",
          "Unable to find model '\(test.packageName).\(name)' for unit test '\(test.name)' in "
            + test.originalFilePath,
          references.near(name).map { "did you mean '\($0)'?" }
        )
      }
    }
    manifest.unitTests = kept
  }
}

/// What a unit test is made of: the digest by which a changed test is known is that of dbt, over
/// Python's `repr` of its parts.
private struct UnitTestIdentity {
  let model: String
  let versions: Datum
  let given: [Datum]
  let expect: DatumMap
  let overrides: Datum
  /// The rows of the fixtures of `given`.
  let contents: [String]

  var checksum: String {
    let inputs = given.map { input in
      "UnitTestInputFixture(input=\((input["input"] ?? .null).pythonRepr), \(rows(input)))"
    }
    let parts =
      [
        model, object(versions, "UnitTestNodeVersions"), "[\(inputs.joined(separator: ", "))]",
        "UnitTestOutputFixture(\(rows(.map(expect))))", object(overrides, "UnitTestOverrides"),
      ] + contents
    return Digest.sha256(Array(parts.joined(separator: "-").utf8))
  }

  private func rows(_ fixture: Datum) -> String {
    let names = ["dict": "Dict", "csv": "CSV", "sql": "SQL"]
    let format = fixture["format"]?.string ?? "dict"
    return "rows=\((fixture["rows"] ?? .null).pythonRepr), "
      + "format=<UnitTestFormat.\(names[format] ?? ""): '\(format)'>, "
      + "fixture=\((fixture["fixture"] ?? .null).pythonRepr)"
  }

  private func object(_ value: Datum, _ type: String) -> String {
    guard let map = value.map else { return "None" }
    let fields = map.entries.map { "\($0.key)=\($0.value.pythonRepr)" }
    return "\(type)(\(fields.joined(separator: ", ")))"
  }
}

extension Datum {
  /// A row without a missing value.
  fileprivate var isComplete: Bool { map?.values.allSatisfy { !$0.isNull } ?? false }
}

extension Set<String> {
  fileprivate init(texts: [Datum]) { self.init(texts.map(\.pythonText)) }
}

/// What an input of a unit test stands for.
enum UnitTestInput {
  case reference(ReferenceText)
  case this

  init?(_ text: String) {
    if text.trimmingBlanks == "this" {
      self = .this
    } else if let reference = ReferenceText(text) {
      self = .reference(reference)
    } else {
      return nil
    }
  }
}
