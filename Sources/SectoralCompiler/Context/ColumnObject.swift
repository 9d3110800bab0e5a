package import SectoralJinja
import SectoralPython

/// A column of a relation: name and type as the database's catalog says them.
package struct Column: Sendable, Hashable {
  package var name: String
  package var dtype: String
  package var charSize: Int?
  package var numericPrecision: Int?
  package var numericScale: Int?

  package init(
    name: String,
    dtype: String,
    charSize: Int? = nil,
    numericPrecision: Int? = nil,
    numericScale: Int? = nil
  ) {
    self.name = name
    self.dtype = dtype
    self.charSize = charSize
    self.numericPrecision = numericPrecision
    self.numericScale = numericScale
  }

  private var lowered: String { dtype.lowercased() }

  package var isString: Bool {
    ["text", "character varying", "character", "varchar"].contains(lowered)
  }
  package var isFloat: Bool {
    ["real", "float4", "float", "double precision", "float8", "double"].contains(lowered)
  }
  package var isInteger: Bool {
    [
      "smallint", "integer", "bigint", "smallserial", "serial", "bigserial", "int2", "int4",
      "int8", "serial2", "serial4", "serial8",
    ].contains(lowered)
  }
  package var isNumeric: Bool { ["numeric", "decimal"].contains(lowered) }

  /// - Precondition: A string column.
  package var stringSize: Int { lowered == "text" ? 256 : charSize ?? 256 }

  package func dataType(_ adapterType: String) -> String {
    if isString {
      // As dbt-postgres: of the types without a length these two alone stay without.
      let staysBare = lowered == "text" || lowered == "character varying" && charSize == nil
      if adapterType == "postgres", staysBare { return dtype }
      return Column.stringType(stringSize)
    }
    if isNumeric { return Column.numericType(dtype, numericPrecision, numericScale) }
    return dtype
  }

  package func canExpand(to other: Column) -> Bool {
    isString && other.isString && other.stringSize > stringSize
  }

  static func stringType(_ size: Int) -> String { "character varying(\(size))" }

  static func numericType(_ dtype: String, _ precision: Int?, _ scale: Int?) -> String {
    guard let precision, let scale else { return dtype }
    return "\(dtype)(\(precision),\(scale))"
  }

  static func translate(_ dtype: String) -> String {
    dtype.uppercased() == "STRING" ? "TEXT" : dtype
  }
}

/// A column as templates see it.
package final class ColumnObject: Object {
  package let column: Column
  package let adapterType: String

  package init(_ column: Column, adapterType: String) {
    self.column = column
    self.adapterType = adapterType
    super.init()
  }

  package override var typeName: String { ColumnClass.name(adapterType) }

  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    func text(_ int: Int?) -> String { int.map(String.init) ?? "None" }
    let name = try interpreter.repr(.string(column.name))
    let dtype = try interpreter.repr(.string(column.dtype))
    return "\(typeName)(column=\(name), dtype=\(dtype), char_size=\(text(column.charSize)), "
      + "numeric_precision=\(text(column.numericPrecision)), "
      + "numeric_scale=\(text(column.numericScale)))"
  }

  package override func isEqual(to other: Value) -> Bool {
    guard let other = other.object(ColumnObject.self) else { return false }
    return other.column == column && other.adapterType == adapterType
  }

  package override func hash(into hasher: inout Hasher) -> Bool { false }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  {
    let column = column
    func integer(_ int: Int?) -> Value { int.map(Value.int) ?? .none }
    func answer(_ bool: Bool) -> Value { .constant(name.name, .bool(bool)) }
    switch name.name {
    case "name", "column": return .string(column.name)
    case "quoted": return .string("\"\(column.name.replacing("\"", with: "\"\""))\"")
    case "dtype": return .string(column.dtype)
    case "data_type", "expanded_data_type": return .string(column.dataType(adapterType))
    case "char_size": return integer(column.charSize)
    case "numeric_precision": return integer(column.numericPrecision)
    case "numeric_scale": return integer(column.numericScale)
    case "is_string": return answer(column.isString)
    case "is_float": return answer(column.isFloat)
    case "is_integer": return answer(column.isInteger)
    case "is_numeric": return answer(column.isNumeric)
    case "is_number": return answer(column.isInteger || column.isNumeric || column.isFloat)
    case "string_size":
      return .function("string_size") { _, _ throws(TemplateError) in
        guard column.isString else {
          throw .runtime("Called string_size() on non-string field!")
        }
        return .int(column.stringSize)
      }
    case "can_expand_to":
      return .function("can_expand_to") { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(
          "can_expand_to",
          arguments,
          ["other_column"],
          required: 1
        )
        guard let other = arguments.value(0).object(ColumnObject.self) else {
          throw .typeError("can_expand_to() needs a column")
        }
        return .bool(column.canExpand(to: other.column))
      }
    case "literal":
      let type = column.dataType(adapterType)
      return .function("literal") { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments("literal", arguments, ["value"], required: 1)
        return .string("\(try interpreter.string(arguments.value(0)))::\(type)")
      }
    default: return ColumnClass(adapterType).member(name)
    }
  }
}

/// `api.Column`, and `column` in contexts: makes columns when called.
package final class ColumnClass: Object {
  package let adapterType: String

  package init(_ adapterType: String) {
    self.adapterType = adapterType
    super.init()
  }

  static func name(_ adapterType: String) -> String {
    adapterType == "redshift" ? "Column" : "PostgresColumn"
  }

  package override var typeName: String { "type" }
  package override var isCallable: Bool { true }

  package override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments(
      "\(Self.name(adapterType)).__init__",
      arguments,
      ["column", "dtype", "char_size", "numeric_precision", "numeric_scale"],
      required: 2
    )
    func integer(_ index: Int) throws(TemplateError) -> Int? {
      guard let value = arguments.optional(index) else { return nil }
      if let int = value.pythonInt { return int }
      if let object = value.object(DecimalObject.self) {
        return object.value.truncated.flatMap { Int(exactly: $0) }
      }
      throw .typeError("a column's size must be a number, not \(value.typeName)")
    }
    return .object(
      ColumnObject(
        Column(
          name: try interpreter.string(arguments.value(0)),
          dtype: try interpreter.string(arguments.value(1)),
          charSize: try integer(2),
          numericPrecision: try integer(3),
          numericScale: try integer(4)
        ),
        adapterType: adapterType
      )
    )
  }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  { member(name) }

  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    adapterType == "redshift"
      ? "<class 'dbt.adapters.base.column.Column'>"
      : "<class 'dbt.adapters.postgres.column.PostgresColumn'>"
  }

  func member(_ name: Symbol) -> Value? {
    let adapterType = adapterType
    switch name.name {
    case "TYPE_LABELS": return .dict([("STRING", .string("TEXT"))])
    case "create":
      return .function("create") { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments(
          "create",
          arguments,
          ["name", "label_or_dtype"],
          required: 2
        )
        return .object(
          ColumnObject(
            Column(
              name: try interpreter.string(arguments.value(0)),
              dtype: Column.translate(try interpreter.string(arguments.value(1)))
            ),
            adapterType: adapterType
          )
        )
      }
    case "translate_type":
      return .function("translate_type") { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments("translate_type", arguments, ["dtype"], required: 1)
        return .string(Column.translate(try arguments.string(0)))
      }
    case "numeric_type":
      return .function("numeric_type") { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments(
          "numeric_type",
          arguments,
          ["dtype", "precision", "scale"],
          required: 3
        )
        let dtype = try interpreter.string(arguments.value(0))
        guard let precision = arguments.optional(1), let scale = arguments.optional(2) else {
          return .string(dtype)
        }
        return .string(
          "\(dtype)(\(try interpreter.string(precision)),\(try interpreter.string(scale)))"
        )
      }
    case "string_type":
      return .function("string_type") { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments("string_type", arguments, ["size"], required: 1)
        return .string("character varying(\(try interpreter.string(arguments.value(0))))")
      }
    case "from_description":
      return .function("from_description") { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(
          "from_description",
          arguments,
          ["name", "raw_data_type"],
          required: 2
        )
        return .object(
          ColumnObject(
            try Column(
              name: try arguments.string(0),
              description: try arguments.string(1)
            ),
            adapterType: adapterType
          )
        )
      }
    default: return nil
    }
  }
}

extension Column {
  /// Reads `character varying(12)`, `numeric(10,2)`.
  init(name: String, description: String) throws(TemplateError) {
    guard let first = description.utf8.first, first != UInt8(ascii: "(") else {
      throw .runtime("Could not interpret data type \"\(description)\"")
    }
    self.init(name: name, dtype: description)
    guard let open = description.firstIndex(of: "("),
      let close = description[open...].firstIndex(of: ")")
    else { return }
    dtype = String(description[..<open])
    while dtype.hasSuffix(" ") { dtype.removeLast() }
    let sizes = description[description.index(after: open)..<close].split(
      separator: ",",
      omittingEmptySubsequences: false
    )
    var numbers: [Int] = []
    for size in sizes {
      let text = String(size.drop { $0 == " " })
      guard let number = Int(text) else {
        throw .runtime(
          "Could not interpret data_type \"\(description)\": could not convert \"\(text)\" to an "
            + "integer"
        )
      }
      numbers.append(number)
    }
    if numbers.count == 1 {
      charSize = numbers[0]
    } else if numbers.count == 2 {
      numericPrecision = numbers[0]
      numericScale = numbers[1]
    }
  }
}

/// `api`: the classes of relations and columns.
package final class APIObject: Object {
  private let relationClass: RelationClass
  private let columnClass: ColumnClass

  package init(adapterType: String) {
    relationClass = RelationClass(adapterType)
    columnClass = ColumnClass(adapterType)
    super.init()
  }

  package override var typeName: String { "DatabaseWrapperAPI" }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  {
    switch name.name {
    case "Relation": return .object(relationClass)
    case "Column": return .object(columnClass)
    default: return nil
    }
  }
}
