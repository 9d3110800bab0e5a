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
    var given: [Datum] = []
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
      for (key, value) in try rows(input, of: name, file).entries { map[key] = value }
      given.append(.map(map))
    }
    let (description, _) = try descriptions.render(entry["description"], package: file.package)
    let expected = try rows(expect, of: name, file)
    let overrides = overrides(entry["overrides"])
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
        "expect": .map(expected), "description": .string(description), "overrides": overrides,
        "checksum": .string(
          checksum(model: model, versions: nil, given: given, expect: expected, overrides)
        ),
        "schema": .string(workspace.profile.schema), "created_at": .float(createdAt),
        "versions": .null, "version": .null,
      ]
    )
    var builder = ConfigBuilder(.unitTest)
    let levels = workspace.package(file.package)?.definition.trees[.unitTest]?.levels(for: fqn)
    for level in levels ?? [] { builder.add(level.layer) }
    if let config = entry["config"]?.datum.map {
      builder.add(ConfigLayer(config, origin: entry.span))
    }
    let problems = builder.problems(of: "unit test \(name)")
    guard problems.isEmpty else { throw Failure(.parsing, problems) }
    test.config = builder.config
    test.tags = builder.config["tags"]?.texts ?? []
    return test
  }

  /// dbt takes it of what Python prints of the test: everything but the description.
  private func checksum(
    model: String,
    versions: Datum?,
    given: [Datum],
    expect: DatumMap,
    _ overrides: Datum
  ) -> String {
    func value(_ datum: Datum?) -> String { (datum ?? .null).pythonRepr }
    func format(_ map: DatumMap?) -> String {
      let format = map?["format"]?.string ?? "dict"
      return "<UnitTestFormat.\(format == "dict" ? "Dict" : format.uppercased()): '\(format)'>"
    }
    func contents(_ map: DatumMap?) -> String {
      "rows=\(value(map?["rows"])), format=\(format(map)), fixture=\(value(map?["fixture"]))"
    }
    let inputs = given.map {
      "UnitTestInputFixture(input=\(value($0["input"])), \(contents($0.map)))"
    }
    var text = "\(model)-"
    if let versions = versions?.map {
      text +=
        "UnitTestNodeVersions(include=\(value(versions["include"])), "
        + "exclude=\(value(versions["exclude"])))"
    } else {
      text += "None"
    }
    text += "-[\(inputs.joined(separator: ", "))]-UnitTestOutputFixture(\(contents(expect)))-"
    if let overrides = overrides.map {
      text +=
        "UnitTestOverrides(macros=\(value(overrides["macros"])), "
        + "vars=\(value(overrides["vars"])), env_vars=\(value(overrides["env_vars"])))"
    } else {
      text += "None"
    }
    for input in given where !(input["fixture"] ?? .null).isNull {
      text += "-\((input["rows"] ?? .null).pythonString)"
    }
    return Digest.sha256(Array(text.utf8))
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
    if let fixture { rows = .string(try contents(of: fixture, format, test, entry, file)) }
    switch (format, rows) {
    case ("dict", .null): rows = .list(try seedRows(entry, of: test, file))
    case ("dict", .list(let items)) where items.allSatisfy({ $0.map != nil }):
      rows = .list(items.map(Self.withoutDates))
    case ("csv", .string(let text)): rows = .list(Self.csv(text))
    case ("csv", .list(let items)) where items.allSatisfy({ $0.map != nil }): break
    case ("sql", .string): break
    case ("dict", _):
      throw problem(
        "unit-test.bad-rows",
        "rows must be a list of mappings of columns to values",
        "write rows: [{column: value}]"
      )
    default:
      throw problem(
        "unit-test.bad-rows",
        "rows of the format \(format) must be text",
        "write rows: | and the text below it, or fixture: file_name"
      )
    }
    if case .list(let items) = rows { rows = .list(Self.withoutNullsFirst(items)) }
    return ["rows": rows, "format": .string(format), "fixture": fixture.map(Datum.string) ?? .null]
  }

  /// A database takes the types of the columns from the first row: one without nulls changes places
  /// with it.
  private static func withoutNullsFirst(_ rows: [Datum]) -> [Datum] {
    let index = rows.firstIndex { row in !(row.map?.entries ?? []).contains { $0.value == .null } }
    guard let index, index > 0 else { return rows }
    var rows = rows
    rows.swapAt(0, index)
    return rows
  }

  /// An input without rows is a seed as it is.
  private func seedRows(
    _ entry: YAMLNode,
    of test: String,
    _ file: PropertiesFile
  ) throws(Failure) -> [Datum] {
    guard let input = entry["input"], let text = input.string else { return [] }
    var found: ProjectFile?
    if case .reference(.ref(let reference))? = UnitTestInput(text) {
      let package = reference.package ?? file.package
      found =
        [package, workspace.root.name].lazy.compactMap { name in
          workspace.package(name)?.files.first {
            $0.kind == .seed && FileSystem.stem(of: $0.path) == reference.name
          }
        }.first
    }
    guard let found else {
      throw Failure(
        .parsing,
        Diagnostic(
          id: "unit-test.no-rows",
          message: "the input \(text) of the unit test '\(test)' has no rows, and is no seed",
          span: input.span,
          hint: "write rows: [{column: value}], or rows: [] for none"
        )
      )
    }
    return Self.csv(found.text, emptyIsNull: false)
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
    if let found = files.first(where: { FileSystem.name(of: $0.path) == wanted }) {
      return found.text
    }
    let names = files.map { FileSystem.stem(of: $0.path) }
    throw Failure(
      .parsing,
      Diagnostic(
        id: "unit-test.no-fixture",
        message: "Could not find fixture file \(fixture) for unit test \(test)",
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

  /// Finds the models; what tests a model that is not there is a mistake, as in dbt.
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
      switch references.node(Reference(name: name), from: test.packageName) {
      case .disabled: manifest.disabledResources.append(test)
      case .node(let model) where model.resourceType == .model && model.version == nil:
        test.dependsOnNodes = [model.uniqueID]
        test.fields["schema"] = model.schema.map(Datum.string) ?? .null
        kept.append(test)
      case .node(let model) where model.resourceType == .model:
        problem(
          "unit-test.version",
          "the unit test '\(test.name)' tests a model with versions, which is not supported yet",
          "test a model without versions"
        )
      case .node, .missing:
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
