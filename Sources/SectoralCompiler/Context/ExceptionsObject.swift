import SectoralJinja
import SectoralPython

/// `exceptions`: the ways in which a macro ends a run, or warns.
final class ExceptionsObject: MappingObject {
  private var made: [String: Value] = [:]

  override var keys: [String] { Self.functions.keys.sorted() }

  override func member(_ name: String, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
    if let value = made[name] { return value }
    guard let body = Self.functions[name] else { return nil }
    let value = Value.function(name, body)
    made[name] = value
    return value
  }

  private typealias Body = @Sendable (Arguments, Interpreter) throws(TemplateError) -> Value

  private static let functions: [String: Body] = [
    "warn": warn,
    "warn_snapshot_timestamp_data_types": warnSnapshotTypes,
    "raise_compiler_error": raises(.compilation, "compile.raised", "raise_compiler_error"),
    "raise_not_implemented": raises(
      .notImplemented,
      "compile.not-implemented",
      "raise_not_implemented"
    ),
    "raise_database_error": raises(.database, "database.raised", "raise_database_error"),
    "raise_dependency_error": raises(.dependency, "compile.dependency", "raise_dependency_error"),
    "raise_fail_fast_error": raises(.failFast, "run.fail-fast", "raise_fail_fast_error"),
    "raise_cache_inconsistent": { (arguments, interpreter) throws(TemplateError) in
      let text = try texts("raise_cache_inconsistent", arguments, ["message"], interpreter)[0]
      throw TemplateError(
        .internalError,
        id: "run.cache-inconsistent",
        "Cache inconsistency detected: \(text)"
      )
    },
    "missing_config": { (arguments, interpreter) throws(TemplateError) in
      let arguments = try CallArguments(
        "missing_config",
        arguments,
        ["model", "name"],
        required: 2
      )
      let id = try member("unique_id", of: arguments.value(0), interpreter)
      throw .compilation(
        "Model '\(id)' does not define a required config parameter "
          + "'\(try interpreter.string(arguments.value(1)))'."
      )
    },
    "missing_relation": { (arguments, interpreter) throws(TemplateError) in
      let arguments = try CallArguments(
        "missing_relation",
        arguments,
        ["relation", "model"],
        required: 1
      )
      throw .compilation("Relation \(try interpreter.string(arguments.value(0))) not found!")
    },
    "missing_materialization": { (arguments, interpreter) throws(TemplateError) in
      let arguments = try CallArguments(
        "missing_materialization",
        arguments,
        ["model", "adapter_type"],
        required: 2
      )
      let config = try interpreter.attribute("config", of: arguments.value(0))
      let name = try member("materialized", of: config, interpreter)
      let adapter = try interpreter.string(arguments.value(1))
      let searched = adapter == "default" ? "'default'" : "'default' and '\(adapter)'"
      throw .compilation(
        "No materialization '\(name)' was found for adapter \(adapter)! (searched types \(searched))"
      )
    },
    "relation_wrong_type": { (arguments, interpreter) throws(TemplateError) in
      let arguments = try CallArguments(
        "relation_wrong_type",
        arguments,
        ["relation", "expected_type", "model"],
        required: 2
      )
      let relation = try interpreter.string(arguments.value(0))
      let type = try member("type", of: arguments.value(0), interpreter)
      throw .compilation(
        "Trying to create \(try interpreter.string(arguments.value(1))) \(relation), but it "
          + "currently exists as a \(type). Either drop \(relation) manually, or run dbt with "
          + "`--full-refresh` and dbt will drop it for you."
      )
    },
    "column_type_missing": { (arguments, interpreter) throws(TemplateError) in
      let names = try texts("column_type_missing", arguments, ["column_names"], interpreter)[0]
      throw .compilation(
        "Contracted models require data_type to be defined for each column. Please ensure that "
          + "the column name and data_type are defined within the YAML configuration for the "
          + "\(names) column(s)."
      )
    },
    "raise_contract_error": raiseContractError,
    "raise_dataclass_not_dict": { (arguments, interpreter) throws(TemplateError) in
      let text = try texts("raise_dataclass_not_dict", arguments, ["obj"], interpreter)[0]
      throw .compilation(
        "The object (\"\(text)\") was used as a dictionary. This capability has been removed from "
          + "objects of this type."
      )
    },
    "raise_ambiguous_alias": { (arguments, interpreter) throws(TemplateError) in
      let arguments = try CallArguments(
        "raise_ambiguous_alias",
        arguments,
        ["node_1", "node_2", "duped_name"],
        required: 2
      )
      let name =
        if let name = arguments.optional(2) { try interpreter.string(name) } else {
          "\(try member("database", of: arguments.value(0), interpreter))."
            + "\(try member("schema", of: arguments.value(0), interpreter))."
            + (try member("alias", of: arguments.value(0), interpreter))
        }
      throw .compilation(
        """
        dbt found two resources with the database representation "\(name)".
        dbt cannot create two resources with identical database representations. To fix this,
        change the configuration of one of these resources:
        - \(try place(of: arguments.value(0), interpreter))
        - \(try place(of: arguments.value(1), interpreter))
        """
      )
    },
    "raise_ambiguous_catalog_match": { (arguments, interpreter) throws(TemplateError) in
      let arguments = try CallArguments(
        "raise_ambiguous_catalog_match",
        arguments,
        ["unique_id", "match_1", "match_2"],
        required: 3
      )
      func name(_ index: Int) throws(TemplateError) -> String {
        let metadata = try interpreter.attribute("metadata", of: arguments.value(index))
        return "\(try member("schema", of: metadata, interpreter))."
          + (try member("name", of: metadata, interpreter))
      }
      throw .compilation(
        """
        dbt found two relations in your warehouse with similar database identifiers. dbt
        is unable to determine which of these relations was created by the model \
        "\(try interpreter.string(arguments.value(0)))".
        In order for dbt to correctly generate the catalog, one of the following relations must be \
        deleted or renamed:

         - \(try name(1))
         - \(try name(2))
        """
      )
    },
    "raise_dep_not_found": { (arguments, interpreter) throws(TemplateError) in
      let texts = try texts(
        "raise_dep_not_found",
        arguments,
        ["node", "node_description", "required_pkg"],
        interpreter
      )
      throw .compilation(
        "Error while parsing \(texts[1]).\nThe required package \"\(texts[2])\" was not found. Is "
          + "the package installed?\nHint: You may need to run `dbt deps`."
      )
    },
    "raise_duplicate_patch_name": { (arguments, interpreter) throws(TemplateError) in
      let arguments = try CallArguments(
        "raise_duplicate_patch_name",
        arguments,
        ["patch_1", "existing_patch_path"],
        required: 2
      )
      let name = try member("name", of: arguments.value(0), interpreter)
      throw .compilation(
        """
        dbt found two schema.yml entries for the same resource named \(name). Resources and their \
        associated columns may only be described a single time. To fix this, remove the resource \
        entry for \(name) in one of these files:
         - \(try member("original_file_path", of: arguments.value(0), interpreter))
        \(try interpreter.string(arguments.value(1)))
        """
      )
    },
    "raise_duplicate_resource_name": { (arguments, interpreter) throws(TemplateError) in
      let arguments = try CallArguments(
        "raise_duplicate_resource_name",
        arguments,
        ["node_1", "node_2"],
        required: 2
      )
      let name = try member("name", of: arguments.value(0), interpreter)
      let type = try member("resource_type", of: arguments.value(0), interpreter)
      throw .compilation(
        """
        dbt found two \(type)s with the name "\(name)".

        Since these resources have the same name, dbt will be unable to find the correct resource \
        when looking for ref("\(name)").

        To fix this, change the name of one of these resources:
        - \(try place(of: arguments.value(0), interpreter))
        - \(try place(of: arguments.value(1), interpreter))
        """
      )
    },
    "raise_invalid_property_yml_version": { (arguments, interpreter) throws(TemplateError) in
      let texts = try texts(
        "raise_invalid_property_yml_version",
        arguments,
        ["path", "issue"],
        interpreter
      )
      throw .compilation(
        "The yml property file at \(texts[0]) is invalid because \(texts[1]). Please consult the "
          + "documentation for more information on yml property file syntax:\n\n"
          + "https://docs.getdbt.com/reference/configs-and-properties"
      )
    },
  ]

  private static func raises(_ kind: ErrorKind, _ id: String, _ function: String) -> Body {
    { (arguments, interpreter) throws(TemplateError) in
      let arguments = try CallArguments(function, arguments, ["msg", "node"], required: 1)
      throw TemplateError(kind, id: id, try interpreter.string(arguments.value(0)))
    }
  }

  @Sendable private static func warn(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments("warn", arguments, ["msg", "node"], required: 1)
    let message = try interpreter.string(arguments.value(0))
    try interpreter.contextHost.emit(.warning(name: "JinjaLogWarning", message: message))
    return .string("")
  }

  @Sendable private static func warnSnapshotTypes(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    let texts = try texts(
      "warn_snapshot_timestamp_data_types",
      arguments,
      ["snapshot_time_data_type", "updated_at_data_type"],
      interpreter
    )
    try interpreter.contextHost.emit(
      .warning(
        name: "SnapshotTimestampWarning",
        message: "Data type of snapshot table timestamp columns (\(texts[0])) doesn't match "
          + "derived column 'updated_at' (\(texts[1])). Please update snapshot config "
          + "'updated_at'."
      )
    )
    return .none
  }

  private static func texts(
    _ function: String,
    _ arguments: Arguments,
    _ names: [String],
    _ interpreter: Interpreter
  ) throws(TemplateError) -> [String] {
    let arguments = try CallArguments(function, arguments, names, required: names.count)
    var texts: [String] = []
    for index in names.indices { texts.append(try interpreter.string(arguments.value(index))) }
    return texts
  }

  private static func member(
    _ name: Symbol,
    of value: Value,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> String
  { try interpreter.string(interpreter.attribute(name, of: value)) }

  private static func place(
    of node: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> String
  {
    "\(try member("unique_id", of: node, interpreter)) "
      + "(\(try member("original_file_path", of: node, interpreter)))"
  }

  // MARK: Contracts

  private struct ContractColumn {
    var definition: String?
    var contract: String?
  }

  @Sendable private static func raiseContractError(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    let arguments = try CallArguments(
      "raise_contract_error",
      arguments,
      ["yaml_columns", "sql_columns"],
      required: 2
    )
    let contracted = try interpreter.iterate(arguments.value(0))
    guard !contracted.isEmpty else {
      throw .compilation(
        "This model has an enforced contract, and its 'columns' specification is missing"
      )
    }
    var columns: [String: ContractColumn] = [:]
    for column in contracted {
      let name = try member("name", of: column, interpreter)
      columns[name, default: ContractColumn()].contract = try member(
        "data_type",
        of: column,
        interpreter
      )
    }
    for column in try interpreter.iterate(arguments.value(1)) {
      let name = try member("name", of: column, interpreter)
      columns[name, default: ContractColumn()].definition = try member(
        "data_type",
        of: column,
        interpreter
      )
    }
    var rows = [["column_name", "definition_type", "contract_type", "mismatch_reason"]]
    for (name, column) in columns.sorted(by: { $0.key < $1.key }) {
      switch (column.definition, column.contract) {
      case (nil, let contract?): rows.append([name, "", contract, "missing in definition"])
      case (let definition?, nil): rows.append([name, definition, "", "missing in contract"])
      case (let definition?, let contract?) where definition != contract:
        rows.append([name, definition, contract, "data type mismatch"])
      default: break
      }
    }
    throw TemplateError(
      .compilation,
      id: "compile.contract",
      """
      This model has an enforced contract that failed.
      Please ensure the name, data_type, and number of columns in your contract match the columns \
      in your model's definition.

      \(TextTable.lines(rows).joined(separator: "\n"))

      """,
      payload: ContractMismatch(columns: rows.dropFirst().map { $0[0] })
    )
  }
}

/// The columns in which a query differs from its contract: `TemplateError.payload`.
final class ContractMismatch {
  let columns: [String]

  init(columns: [String]) { self.columns = columns }
}

/// Columns of text, as the library of result tables prints them.
enum TextTable {
  /// `rows`: The first one holds the heads.
  /// `endsInDots`: A last line says that there are more rows.
  static func lines(
    _ rows: [[String]],
    rightAligned: Set<Int> = [],
    endsInDots: Bool = false
  ) -> [String] {
    guard let heads = rows.first else { return [] }
    let widths = heads.indices.map { column in
      rows.map { $0[column].unicodeScalars.count }.max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      let padded = cells.indices.map { column in
        let gap = String(
          repeating: " ",
          count: max(0, widths[column] - cells[column].unicodeScalars.count)
        )
        return rightAligned.contains(column) ? gap + cells[column] : cells[column] + gap
      }
      return "| " + padded.joined(separator: " | ") + " |"
    }
    let rule = line(widths.map { String(repeating: "-", count: $0) })
    let dots = endsInDots ? [line(heads.map { _ in "..." })] : []
    return [line(heads), rule] + rows.dropFirst().map(line) + dots
  }
}
