import SectoralJinja
import SectoralPython
import SectoralWarehouse
import SectoralYAML

/// Methods that need no database: names, quoting, types, DDL of constraints and indexes.
extension AdapterCall {
  static let dialectMethods: [String: AdapterObject.Method] = [
    "type": .init { (call) throws(TemplateError) in .string(call.adapterType) },
    "dispatch": .init { (call) throws(TemplateError) in try call.dispatch() },
    "quote": .init { (call) throws(TemplateError) in
      let name = try call.bound(["identifier"]).value(0)
      return .string("\"\(try call.interpreter.string(name))\"")
    },
    // Ours: dbt cuts the name, and two long names that begin alike become one.
    "name_with_suffix": .init { (call) throws(TemplateError) in
      let arguments = try call.bound(["name", "suffix"])
      return .string(
        RelationName.joined(
          try call.interpreter.string(arguments.value(0)),
          try call.interpreter.string(arguments.value(1)),
          limit: RelationClass.maximumNameLength(call.adapterType)
        )
      )
    },
    "quote_as_configured": .init { (call) throws(TemplateError) in
      let arguments = try call.bound(["identifier", "quote_key"])
      let name = try call.interpreter.string(arguments.value(0))
      let quoting = call.host.invocation.quoting
      let isQuoted =
        switch try arguments.string(1) {
        case "database": quoting.database
        case "schema": quoting.schema
        case "identifier": quoting.identifier
        default: false
        }
      return .string(isQuoted ? "\"\(name)\"" : name)
    },
    "quote_seed_column": .init { (call) throws(TemplateError) in
      let arguments = try call.bound(["column", "quote_config"])
      let name = try call.interpreter.string(arguments.value(0))
      switch arguments.value(1) {
      case .none, .undefined, .bool(true): return .string("\"\(name)\"")
      case .bool(false): return .string(name)
      case let other:
        throw .compilation(
          "The seed configuration value of \"quote_columns\" has an invalid type <class "
            + "'\(other.typeName)'>",
          hint: "it must be true or false"
        )
      }
    },
    "convert_type": .init { (call) throws(TemplateError) in
      let arguments = try call.bound(["agate_table", "col_idx"])
      guard let table = arguments.value(0).object(TableObject.self) else {
        throw .typeError("convert_type() needs a table, not \(arguments.value(0).typeName)")
      }
      let column = try arguments.int(1)
      guard table.columnTypes.indices.contains(column) else {
        throw .python(.index, "the table has no column \(column)")
      }
      return .string(table.sqlType(column, adapterType: call.adapterType))
    },
    "verify_database": .init { (call) throws(TemplateError) in
      let value = try call.bound(["database"]).value(0)
      var name = try call.interpreter.string(value)
      if name.hasPrefix("\""), name.hasSuffix("\""), name.utf8.count > 1 {
        name = String(name.dropFirst().dropLast())
      }
      let target = call.host.invocation.target
      let expected = target["database"]?.string ?? target["dbname"]?.string ?? ""
      let isRedshift = call.adapterType == "redshift"
      let allowsOthers =
        isRedshift
        && ["ra3_node", "datasharing"].contains { target[$0]?.bool ?? false }
      guard name.lowercased() == expected.lowercased() || allowsOthers else {
        throw TemplateError(
          .notImplemented,
          id: "run.cross-database",
          (isRedshift
            ? "Cross-db references allowed only in RA3.* node or with datasharing enabled."
            : "Cross-db references not allowed in \(call.adapterType)")
            + " (\(name) vs \(expected))",
          hint: isRedshift
            ? "set 'ra3_node' or 'datasharing' in the target, or use '\(expected)'"
            : "a connection sees one database: use '\(expected)', or another target"
        )
      }
      return .string("")
    },
    "parse_index": .init { (call) throws(TemplateError) in
      try call.parseIndex(call.bound(["raw_index"]).value(0))
    },
    "render_raw_columns_constraints": .init { (call) throws(TemplateError) in
      let columns = try call.bound(["raw_columns"]).value(0)
      guard case .dict(let dict) = columns else {
        throw .typeError("render_raw_columns_constraints() needs a dictionary of columns")
      }
      var texts: [Value] = []
      for (_, column) in dict.pairs { texts.append(.string(try call.columnDefinition(column))) }
      return .list(texts)
    },
    "render_raw_model_constraints": .init { (call) throws(TemplateError) in
      let constraints = try call.bound(["raw_constraints"]).value(0)
      var texts: [Value] = []
      for value in try call.interpreter.iterate(constraints) {
        if let text = try call.modelConstraint(call.constraint(value)) {
          texts.append(.string(text))
        }
      }
      return .list(texts)
    },
    "standardize_grants_dict": .init { (call) throws(TemplateError) in
      let value = try call.bound(["grants_table"]).value(0)
      let table = try call.table(value, from: "get_show_grant_sql")
      if call.adapterType == "redshift", table.columnNames.contains("identity_name") {
        return try call.grants(toIdentitiesIn: table)
      }
      let places = try call.places(of: ["grantee", "privilege_type"], in: table)
      return call.grants(table.cellRows().map { ($0[places[1]], $0[places[0]]) })
    },
    "get_incremental_strategy_macro": .init(.nothing) { (call) throws(TemplateError) in
      try call.incrementalStrategy()
    },
    "build_catalog_relation": .init { (call) throws(TemplateError) in .none },
    "get_catalog_integration": .init { (call) throws(TemplateError) in
      let name = try call.interpreter.string(call.bound(["name"]).value(0))
      throw .compilation(
        "Catalog not found. Received: \(name). Catalogs are not supported by \(call.adapterType)."
      )
    },
    "get_partitions_metadata": .init(.noResult) { (call) throws(TemplateError) in
      throw TemplateError(
        .notImplemented,
        id: "run.not-implemented",
        "`get_partitions_metadata` is not implemented for this adapter!"
      )
    },
  ]

  private func dispatch() throws(TemplateError) -> Value {
    let arguments = try bound(["macro_name", "macro_namespace", "packages"], required: 1)
    let macro = try arguments.string(0)
    if arguments.optional(2) != nil {
      throw .compilation(
        "The \"packages\" argument of adapter.dispatch() has been deprecated.\nUse the "
          + "\"macro_namespace\" argument instead.\nRaised during dispatch for: \(macro)"
      )
    }
    var namespace: String?
    if let value = arguments.optional(1), !value.isUndefined {
      guard let text = value.asString else {
        throw .compilation(
          "The macro_namespace argument to adapter.dispatch() must be a string, got "
            + (try interpreter.repr(value))
        )
      }
      namespace = text
    }
    if let dot = macro.firstIndex(of: ".") {
      let (package, name) = (macro[..<dot], macro[macro.index(after: dot)...])
      throw .compilation(
        """
        In adapter.dispatch, got a macro name of "\(macro)", but "." is not a valid macro name \
        component. Did you mean `adapter.dispatch("\(name)", macro_namespace="\(package)")`?
        """
      )
    }
    return try host.dispatch(macro, namespace: namespace, interpreter)
  }

  private func incrementalStrategy() throws(TemplateError) -> Value {
    let arguments = try bound(["model_context", "strategy"])
    let name: String
    if let value = arguments.optional(1), !value.isUndefined {
      name = try interpreter.string(value)
    } else {
      name = "default"
    }
    let builtIn = ["append", "delete+insert", "merge", "insert_overwrite", "microbatch"]
    if builtIn.contains(name), name == "insert_overwrite" {
      throw .runtime("The incremental strategy '\(name)' is not valid for this adapter")
    }
    let folded = name.split(separator: "+", omittingEmptySubsequences: false)
      .joined(separator: "_")
    let macro = "get_incremental_\(folded)_sql"
    let context = arguments.value(0)
    let found: Value?
    if case .dict(let dict) = context {
      found = dict[macro]
    } else {
      found = try interpreter.attribute(Symbol(macro), of: context)
    }
    guard let found, !found.isUndefined else {
      throw .runtime(
        "dbt could not find an incremental strategy macro with the name \"\(macro)\" in "
          + host.invocation.projectName,
        hint: "built-in strategies are append, delete+insert, merge and microbatch"
      )
    }
    return found
  }

  // MARK: Constraints

  private struct Constraint {
    var type = ""
    var name: String?
    var expression = ""
    var columns: [String] = []
    var to: String?
    var toColumns: [String] = []
    var warnsUnenforced = true
    var warnsUnsupported = true
  }

  private func constraint(_ raw: Value) throws(TemplateError) -> Constraint {
    let unreadable = TemplateError(
      .runtime,
      id: "compile.constraint",
      "Could not parse constraint: \(try interpreter.string(raw))",
      hint: "types are check, not_null, unique, primary_key, foreign_key and custom"
    )
    guard case .dict(let dict) = raw else { throw unreadable }
    func texts(_ value: Value) throws(TemplateError) -> [String] {
      if value.isNone { return [] }
      var texts: [String] = []
      for item in try interpreter.iterate(value) { texts.append(try interpreter.string(item)) }
      return texts
    }
    var constraint = Constraint()
    for (key, value) in dict.pairs {
      switch key.asString {
      case "type": constraint.type = try interpreter.string(value)
      case "name": constraint.name = value.isNone ? nil : try interpreter.string(value)
      case "expression": constraint.expression = value.isNone ? "" : try interpreter.string(value)
      case "columns": constraint.columns = try texts(value)
      case "to": constraint.to = value.isNone ? nil : try interpreter.string(value)
      case "to_columns": constraint.toColumns = try texts(value)
      case "warn_unenforced": constraint.warnsUnenforced = try interpreter.isTrue(value)
      case "warn_unsupported": constraint.warnsUnsupported = try interpreter.isTrue(value)
      default: throw unreadable
      }
    }
    guard
      ["check", "not_null", "unique", "primary_key", "foreign_key", "custom"]
        .contains(constraint.type)
    else { throw unreadable }
    return constraint
  }

  /// False where the database does not know the constraint; what it knows but does not hold to is
  /// warned of.
  private func isSupported(_ constraint: Constraint) throws(TemplateError) -> Bool {
    guard adapterType == "redshift" else { return true }
    switch constraint.type {
    case "check":
      if constraint.warnsUnsupported {
        try host.emit(
          .warning(
            name: "ConstraintNotSupported",
            message: "Constraint types are not supported for redshift: check. The constraint will "
              + "be ignored. Set 'warn_unsupported: false' on this constraint to ignore this "
              + "warning."
          )
        )
      }
      return false
    case "unique", "primary_key", "foreign_key":
      if constraint.warnsUnenforced {
        try host.emit(
          .warning(
            name: "ConstraintNotEnforced",
            message: "Constraint type \(constraint.type) is not enforced by redshift. The "
              + "constraint will be included in this model's DDL statement, but it will not "
              + "guarantee anything about the underlying data. Set 'warn_unenforced: false' on "
              + "this constraint to ignore this warning."
          )
        )
      }
      return true
    default: return true
    }
  }

  private func columnDefinition(_ column: Value) throws(TemplateError) -> String {
    guard case .dict(let dict) = column else {
      throw .typeError("a column must be a dictionary, not \(column.typeName)")
    }
    guard let name = dict["name"], let type = dict["data_type"], !type.isNone else {
      throw .compilation(
        "Contracted models require data_type to be defined for each column.",
        hint: "add 'data_type' to the column in the properties file"
      )
    }
    var text = try interpreter.string(name)
    if let quote = dict["quote"], try interpreter.isTrue(quote) { text = "\"\(text)\"" }
    text += " \(try interpreter.string(type))"
    guard let constraints = dict["constraints"], !constraints.isNone else { return text }
    for raw in try interpreter.iterate(constraints) {
      let constraint = try constraint(raw)
      guard try isSupported(constraint), let rendered = columnConstraint(constraint) else {
        continue
      }
      text += " " + rendered
    }
    return text
  }

  private func columnConstraint(_ constraint: Constraint) -> String? {
    let expression = constraint.expression
    func with(_ words: String) -> String { expression.isEmpty ? words : "\(words) \(expression)" }
    switch constraint.type {
    case "check": return expression.isEmpty ? nil : "check (\(expression))"
    case "not_null": return with("not null")
    case "unique": return with("unique")
    case "primary_key": return with("primary key")
    case "foreign_key":
      if let to = constraint.to, !constraint.toColumns.isEmpty {
        return "references \(to) (\(constraint.toColumns.joined(separator: ", ")))"
      }
      return expression.isEmpty ? nil : "references \(expression)"
    default: return expression.isEmpty ? nil : expression
    }
  }

  private func modelConstraint(_ constraint: Constraint) throws(TemplateError) -> String? {
    guard try isSupported(constraint) else { return nil }
    let prefix = constraint.name.map { "constraint \($0) " } ?? ""
    let columns = "(\(constraint.columns.joined(separator: ", ")))"
    let expression = constraint.expression
    let infix = expression.isEmpty ? "" : " \(expression)"
    switch constraint.type {
    case "check": return expression.isEmpty ? nil : "\(prefix)check (\(expression))"
    case "unique": return "\(prefix)unique\(infix) \(columns)"
    case "primary_key": return "\(prefix)primary key\(infix) \(columns)"
    case "foreign_key":
      if let to = constraint.to, !constraint.toColumns.isEmpty {
        return "\(prefix)foreign key \(columns) references \(to) "
          + "(\(constraint.toColumns.joined(separator: ", ")))"
      }
      return expression.isEmpty ? nil : "\(prefix)foreign key \(columns) references \(expression)"
    case "custom": return expression.isEmpty ? nil : prefix + expression
    default: return nil
    }
  }
}

extension TableObject {
  /// The SQL type that a column's values ask for.
  func sqlType(_ column: Int, adapterType: String) -> String {
    if let seed { return seed.sqlType(column, adapterType: adapterType) }
    let values = cellRows().map { $0[column] }
    let hasFraction = values.contains {
      $0.object(DecimalObject.self).map { $0.value.kind == .finite && !$0.value.isIntegral }
        ?? false
    }
    let longest = values.map { $0.asString?.utf8.count ?? 0 }.max() ?? 0
    return columnTypes[column].sqlType(
      hasFraction: hasFraction,
      longestByteCount: longest,
      adapterType: adapterType
    )
  }
}
