package import SectoralJinja
import SectoralPython
package import SectoralWarehouse
import SectoralYAML

/// The type of a column of a result or a seed.
package enum TableType: String, Sendable {
  case integer = "Integer"
  case number = "Number"
  case boolean = "Boolean"
  case date = "Date"
  case dateTime = "DateTime"
  case isoDateTime = "ISODateTime"
  case text = "Text"
}

/// Rows of a query or a seed as templates see them.
///
/// Cells become values when someone looks: a seed that is only loaded never makes any.
package final class TableObject: Object {
  package let columnNames: [String]
  package let columnTypes: [TableType]
  package let rowCount: Int
  /// The seed that the table was made from, for bulk loads; nil of everything else.
  package let seed: SeedTable?
  /// The server's rows that the table was made from; nil of everything else.
  package let result: ResultTable?
  private let rowNames: [Value]?
  private let make: () -> [[Value]]
  private lazy var cells: [[Value]] = make()

  init(
    names: [String],
    types: [TableType],
    rowCount: Int,
    rowNames: [Value]? = nil,
    seed: SeedTable? = nil,
    result: ResultTable? = nil,
    _ make: @escaping () -> [[Value]]
  ) {
    columnNames = Self.unique(names)
    columnTypes = types
    self.rowCount = rowCount
    self.rowNames = rowNames
    self.seed = seed
    self.result = result
    self.make = make
    super.init()
  }

  convenience init(names: [String], types: [TableType], rows: [[Value]]) {
    self.init(names: names, types: types, rowCount: rows.count) { rows }
  }

  package convenience init(_ result: ResultTable) {
    var types: [TableType] = []
    for (index, column) in result.columns.enumerated() {
      let isEmpty = result.rows.allSatisfy { $0[index] == nil }
      types.append(isEmpty ? .integer : column.tableType)
    }
    self.init(
      names: result.columns.map(\.name),
      types: types,
      rowCount: result.rows.count,
      result: result
    ) {
      result.rows.map { row in zip(result.columns, row).map { $0.value(of: $1) } }
    }
  }

  package convenience init(_ seed: SeedTable) {
    self.init(
      names: seed.columns.map(\.name),
      types: seed.columns.map(\.type),
      rowCount: seed.rowCount,
      seed: seed
    ) {
      (0..<seed.rowCount).map { row in
        seed.columns.indices.map { seed.value(row: row, column: $0) }
      }
    }
  }

  /// `a`, `a_2`, `a_3`; a column without a name gets a letter.
  private static func unique(_ names: [String]) -> [String] {
    var taken: Set<String> = []
    return names.enumerated().map { index, name in
      let base = name.isEmpty ? letter(index) : name
      var candidate = base
      var number = 2
      while !taken.insert(candidate).inserted {
        candidate = "\(base)_\(number)"
        number += 1
      }
      return candidate
    }
  }

  /// The name of the n-th nameless column: a, b, … z, aa, bb.
  static func letter(_ index: Int) -> String {
    // The remainder is below 26, so the scalar exists.
    let scalar = Unicode.Scalar(UInt8(97 + index % 26))
    return String(repeating: Character(scalar), count: index / 26 + 1)
  }

  func cellRows() -> [[Value]] { cells }
  func dataRows() -> [Value] { rowCount == 0 ? [] : cells.map { .tuple($0) } }

  private func row(_ index: Int) -> Value { .object(RowObject(self, index)) }
  fileprivate func rowValues(_ index: Int) -> [Value] { cells[index] }

  // MARK: As a Python object

  package override var typeName: String { "Table" }
  package override var length: Int? { rowCount }

  package override func iterate(_ interpreter: Interpreter) throws(TemplateError) -> [Value]? {
    (0..<rowCount).map(row)
  }

  /// `table[0]`: a row.
  package override func item(
    _ key: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    guard let index = key.pythonInt else { return nil }
    let place = index < 0 ? index + rowCount : index
    return (0..<rowCount).contains(place) ? row(place) : nil
  }

  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "<agate.table.Table object>"
  }

  package override func string(_ interpreter: Interpreter) throws(TemplateError) -> String {
    structure.joined(separator: "\n") + "\n"
  }

  private var structure: [String] {
    TextTable.lines(
      [["column", "data_type"]] + zip(columnNames, columnTypes).map { [$0, $1.rawValue] }
    )
  }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  {
    switch name.name {
    case "columns":
      return .object(
        MappedSequence(
          columnNames.indices.map { .object(TableColumnObject(self, $0)) },
          columnNames
        )
      )
    case "rows": return .object(RowsObject(self))
    case "column_names": return .tuple(columnNames.map(Value.string))
    case "column_types": return .tuple(columnTypes.map { .object(TableTypeObject($0)) })
    case "row_names": return rowNames.map { Value.tuple($0) } ?? Value.none
    case let text: return method(text)
    }
  }

  // MARK: Methods

  private func method(_ name: String) -> Value? {
    let make: (@escaping NativeBody) -> Value = { .function(name, $0) }
    switch name {
    case "select":
      return make { arguments, interpreter throws(TemplateError) in
        let key = try CallArguments(name, arguments, ["key"], required: 1).value(0)
        return self.picking(try self.columns(key, interpreter))
      }
    case "exclude":
      return make { arguments, interpreter throws(TemplateError) in
        let key = try CallArguments(name, arguments, ["key"], required: 1).value(0)
        let excluded = try self.names(key, interpreter)
        return self.picking(
          self.columnNames.indices.filter { !excluded.contains(self.columnNames[$0]) }
        )
      }
    case "rename":
      return make { arguments, interpreter throws(TemplateError) in
        try self.renamed(arguments, interpreter)
      }
    case "where":
      return make { arguments, interpreter throws(TemplateError) in
        let test = try CallArguments(name, arguments, ["test"], required: 1).value(0)
        var kept: [Int] = []
        for index in 0..<self.rowCount
        where try interpreter.isTrue(interpreter.call(test, Arguments([self.row(index)]))) {
          kept.append(index)
        }
        return self.keeping(kept)
      }
    case "find":
      return make { arguments, interpreter throws(TemplateError) in
        let test = try CallArguments(name, arguments, ["test"], required: 1).value(0)
        for index in 0..<self.rowCount
        where try interpreter.isTrue(interpreter.call(test, Arguments([self.row(index)]))) {
          return self.row(index)
        }
        return .none
      }
    case "limit":
      return make { arguments, _ throws(TemplateError) in
        try self.limited(arguments)
      }
    case "order_by":
      return make { arguments, interpreter throws(TemplateError) in
        try self.ordered(arguments, interpreter)
      }
    case "distinct":
      return make { arguments, interpreter throws(TemplateError) in
        let key = try CallArguments(name, arguments, ["key"]).optional(0)
        let seen = SetValue([])
        var kept: [Int] = []
        for index in 0..<self.rowCount {
          let value = try self.key(key, index, interpreter)
          guard !seen.contains(value) else { continue }
          seen.insert(value)
          kept.append(index)
        }
        return self.keeping(kept)
      }
    case "group_by":
      return make { arguments, interpreter throws(TemplateError) in
        let key = try CallArguments(
          name,
          arguments,
          ["key", "key_name", "key_type"],
          required: 1
        ).value(0)
        return try self.grouped(key, interpreter)
      }
    case "join":
      return make { arguments, interpreter throws(TemplateError) in
        try self.joined(arguments, interpreter)
      }
    case "merge":
      return make { arguments, interpreter throws(TemplateError) in
        let tables = try CallArguments(
          name,
          arguments,
          ["tables", "row_names", "column_names"],
          required: 1
        ).value(0)
        return try Self.merged(try interpreter.iterate(tables))
      }
    case "print_table":
      return make { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments(
          name,
          arguments,
          ["max_rows", "max_columns", "output", "max_column_width", "locale", "max_precision"]
        )
        let text = TablePrinter(
          maxRows: arguments[0] == nil ? 20 : arguments.optional(0)?.pythonInt,
          maxColumns: arguments[1] == nil ? 6 : arguments.optional(1)?.pythonInt,
          maxWidth: arguments[3] == nil ? 20 : arguments.optional(3)?.pythonInt,
          maxPrecision: arguments[5].map { $0.isNone } == true
            ? .max : try arguments.int(5, default: 3)
        ).text(self)
        try interpreter.contextHost.emit(.print(text))
        return .none
      }
    case "print_csv":
      return make { _, interpreter throws(TemplateError) in
        try interpreter.contextHost.emit(.print(try self.csvText(interpreter)))
        return .none
      }
    case "print_json":
      return make { _, interpreter throws(TemplateError) in
        try interpreter.contextHost.emit(.print(try self.jsonText(interpreter)))
        return .none
      }
    case "print_structure":
      return make { _, interpreter throws(TemplateError) in
        try interpreter.contextHost.emit(.print(self.structure.joined(separator: "\n")))
        return .none
      }
    case "to_csv", "to_json", "print_html", "bar_chart", "column_chart", "line_chart",
      "scatterplot", "aggregate", "compute", "pivot", "normalize", "denormalize", "bins",
      "homogenize", "print_bars":
      return make { _, _ throws(TemplateError) in
        throw .runtime(
          "the table method '\(name)' is not supported",
          hint: "compute it in SQL, or read table.rows and table.columns"
        )
      }
    default: return nil
    }
  }

  private func picking(_ columns: [Int]) -> Value {
    .object(
      TableObject(
        names: columns.map { columnNames[$0] },
        types: columns.map { columnTypes[$0] },
        rowCount: rowCount
      ) { self.cells.map { row in columns.map { row[$0] } } }
    )
  }

  private func keeping(_ rows: [Int]) -> Value {
    .object(
      TableObject(names: columnNames, types: columnTypes, rowCount: rows.count) {
        rows.map { self.cells[$0] }
      }
    )
  }

  private func names(_ key: Value, _ interpreter: Interpreter) throws(TemplateError) -> [String] {
    if let name = key.asString { return [name] }
    var names: [String] = []
    for value in try interpreter.iterate(key) { names.append(try interpreter.string(value)) }
    return names
  }

  private func columns(_ key: Value, _ interpreter: Interpreter) throws(TemplateError) -> [Int] {
    var indexes: [Int] = []
    for name in try names(key, interpreter) { indexes.append(try column(name)) }
    return indexes
  }

  private func column(_ name: String) throws(TemplateError) -> Int {
    guard let index = columnNames.firstIndex(of: name) else {
      throw TemplateError(
        .key,
        id: "run.unknown-column",
        "the table has no column '\(name)'",
        hint: "its columns are: \(columnNames.joined(separator: ", "))"
      )
    }
    return index
  }

  private func renamed(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    let arguments = try CallArguments(
      "rename",
      arguments,
      ["column_names", "row_names", "slug_columns", "slug_rows"]
    )
    var names = columnNames
    switch arguments.value(0) {
    case .none: break
    case .dict(let map):
      names = try names.map { name throws(TemplateError) in
        guard let new = map[name] else { return name }
        return try interpreter.string(new)
      }
    case let list:
      names = try self.names(list, interpreter)
      guard names.count == columnNames.count else {
        throw .valueError("column_names and column_types must be the same length.")
      }
    }
    return .object(
      TableObject(names: names, types: columnTypes, rowCount: rowCount) { self.cells }
    )
  }

  private func limited(_ arguments: Arguments) throws(TemplateError) -> Value {
    let arguments = try CallArguments("limit", arguments, ["start_or_stop", "stop", "step"])
    func bound(_ value: Value?, default fallback: Int) -> Int {
      guard let int = value?.pythonInt else { return fallback }
      return min(max(int < 0 ? rowCount + int : int, 0), rowCount)
    }
    let isRange = arguments.optional(1) != nil || arguments.optional(2) != nil
    let start = isRange ? bound(arguments.optional(0), default: 0) : 0
    let stop = bound(isRange ? arguments.optional(1) : arguments.optional(0), default: rowCount)
    let step = max(1, try arguments.int(2, default: 1))
    return keeping(Array(stride(from: start, to: stop, by: step)))
  }

  /// The value by which a row is told apart: a column, several, or what a function gives.
  private func key(
    _ key: Value?,
    _ index: Int,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    guard let key else { return .tuple(cells[index]) }
    if let name = key.asString { return cells[index][try column(name)] }
    if case .object(let object) = key, object.isCallable {
      return try interpreter.call(key, Arguments([row(index)]))
    }
    return .tuple(try columns(key, interpreter).map { cells[index][$0] })
  }

  private func ordered(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    let arguments = try CallArguments("order_by", arguments, ["key", "reverse"], required: 1)
    let isReversed = try arguments.isTrue(1, interpreter)
    var keys: [Value] = []
    for index in 0..<rowCount { keys.append(try key(arguments.value(0), index, interpreter)) }
    var failure: TemplateError?
    func isBefore(_ a: Int, _ b: Int) -> Bool {
      do throws(TemplateError) {
        let order = try TableOrder.compare(keys[a], keys[b], interpreter)
        return isReversed ? order > 0 : order < 0
      } catch {
        failure = failure ?? error
        return false
      }
    }
    let order = (0..<rowCount).sorted(by: isBefore)
    if let failure { throw failure }
    return keeping(order)
  }

  private func grouped(_ key: Value, _ interpreter: Interpreter) throws(TemplateError) -> Value {
    let groups = DictValue()
    for index in 0..<rowCount {
      let name = try self.key(key, index, interpreter)
      if case .list(let list)? = groups[name] {
        list.items.append(.int(index))
      } else {
        groups[name] = .list([.int(index)])
      }
    }
    let tables = groups.pairs.map { (key: $0.key, value: $0.value) }.map { pair in
      guard case .list(let list) = pair.value else { return (pair.key, Value.none) }
      return (pair.key, keeping(list.items.compactMap(\.pythonInt)))
    }
    return .object(TableSetObject(tables))
  }

  private func joined(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    let arguments = try CallArguments(
      "join",
      arguments,
      ["right_table", "left_key", "right_key", "inner", "full_outer", "require_match", "columns"],
      required: 2
    )
    guard let right = arguments.value(0).object(TableObject.self) else {
      throw .typeError("join() needs a table")
    }
    guard try !arguments.isTrue(4, interpreter) else {
      throw .runtime("full outer joins of tables are not supported", hint: "join in SQL")
    }
    let isInner = try arguments.isTrue(3, interpreter)
    let rightKey = arguments.optional(2) ?? arguments.value(1)
    let hidden = Set(try right.columns(rightKey, interpreter))
    let shown = right.columnNames.indices.filter { !hidden.contains($0) }
    let matches = DictValue()
    for index in 0..<right.rowCount {
      let name = try right.key(rightKey, index, interpreter)
      if case .list(let list)? = matches[name] {
        list.items.append(.int(index))
      } else {
        matches[name] = .list([.int(index)])
      }
    }
    var rows: [[Value]] = []
    for index in 0..<rowCount {
      let name = try key(arguments.value(1), index, interpreter)
      if case .list(let list)? = matches[name] {
        for other in list.items.compactMap(\.pythonInt) {
          rows.append(cells[index] + shown.map { right.cells[other][$0] })
        }
      } else if !isInner {
        rows.append(cells[index] + shown.map { _ in .none })
      }
    }
    return .object(
      TableObject(
        names: columnNames
          + shown.map { index -> String in
            // As agate tells the columns of the right table from those of the left.
            let name = right.columnNames[index]
            return columnNames.contains(name) ? name + "2" : name
          },
        types: columnTypes + shown.map { right.columnTypes[$0] },
        rows: rows
      )
    )
  }

  static func merged(_ values: [Value]) throws(TemplateError) -> Value {
    var names: [String] = []
    var types: [TableType] = []
    var tables: [TableObject] = []
    for value in values {
      guard let table = value.object(TableObject.self) else {
        throw .typeError("merge() needs a list of tables")
      }
      tables.append(table)
      for (name, type) in zip(table.columnNames, table.columnTypes) {
        if let index = names.firstIndex(of: name) {
          // Columns without a value have no type of their own yet.
          if types[index] == .integer { types[index] = type }
        } else {
          names.append(name)
          types.append(type)
        }
      }
    }
    var rows: [[Value]] = []
    for table in tables {
      let places = names.map { table.columnNames.firstIndex(of: $0) }
      for row in table.cellRows() { rows.append(places.map { $0.map { row[$0] } ?? .none }) }
    }
    return .object(TableObject(names: names, types: types, rows: rows))
  }

  // MARK: Formats

  private func csvText(_ interpreter: Interpreter) throws(TemplateError) -> String {
    func field(_ text: String) -> String {
      guard text.utf8.contains(where: { [34, 44, 10, 13].contains($0) }) else { return text }
      return "\""
        + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
        + "\""
    }
    var lines = [columnNames.map(field).joined(separator: ",")]
    for row in cells {
      var fields: [String] = []
      for value in row { fields.append(field(try Self.plainText(value, interpreter))) }
      lines.append(fields.joined(separator: ","))
    }
    return lines.joined(separator: "\n")
  }

  private static func plainText(
    _ value: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> String
  {
    if value.isNone { return "" }
    if let time = value.object(DateTimeObject.self) { return try time.isoText() }
    return try interpreter.string(value)
  }

  private func jsonText(_ interpreter: Interpreter) throws(TemplateError) -> String {
    var objects: [String] = []
    for row in cells {
      var members: [String] = []
      for (name, value) in zip(columnNames, row) {
        let text: String
        if value.object(DateTimeObject.self) != nil || value.object(DateObject.self) != nil {
          text = JSONText.of(.string(try Self.plainText(value, interpreter)))
        } else {
          text = JSONText.of(try .init(value, .lenient, interpreter))
        }
        members.append("\(JSONText.of(.string(name))): \(text)")
      }
      objects.append("{\(members.joined(separator: ", "))}")
    }
    return "[\(objects.joined(separator: ", "))]"
  }
}

/// The order of cells: none comes last, tuples are compared item by item.
enum TableOrder {
  static func compare(
    _ a: Value,
    _ b: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Int
  {
    switch (a, b) {
    case (.none, .none): return 0
    case (.none, _): return 1
    case (_, .none): return -1
    case (.tuple(let x), .tuple(let y)):
      for (left, right) in zip(x.items, y.items) {
        let order = try compare(left, right, interpreter)
        if order != 0 { return order }
      }
      return x.items.count - y.items.count
    default: return try interpreter.compare(a, b)
    }
  }
}

extension ResultColumn {
  var tableType: TableType {
    switch kind {
    case .integer: .integer
    case .decimal: .number
    case .boolean: .boolean
    case .date: .date
    case .timestamp, .timestampWithZone: .dateTime
    case .text, .json: .text
    }
  }

  /// The server's text as a value; text that does not read as its type stays text.
  func value(of cell: String?) -> Value {
    guard let cell else { return .none }
    switch kind {
    case .integer: return Int(cell).map(Value.int) ?? .string(cell)
    case .boolean: return .bool(cell == "t" || cell == "true")
    case .decimal:
      // Floats take the way through Python's repr, which writes 2 as 2.0.
      if typeName == "float8" || typeName == "float4", let double = Double(cell) {
        return .decimal(DecimalNumber(double.description) ?? .notANumber)
      }
      return DecimalNumber(cell).map { .decimal($0) } ?? .string(cell)
    case .date:
      guard case .success(let moment)? = ISOFormat.date(cell) else { return .string(cell) }
      return .object(DateObject(day: moment.dayNumber))
    case .timestamp, .timestampWithZone:
      guard case .success(let moment)? = ISOFormat.dateTime(cell) else { return .string(cell) }
      return .object(
        DateTimeObject(
          local: moment.local,
          zone: moment.offset.map { FixedZone(seconds: $0) }
        )
      )
    case .text, .json: return .string(cell)
    }
  }
}

// MARK: Parts

/// The type of a column, as `column_types` holds it.
final class TableTypeObject: ContextObject {
  private let type: TableType

  init(_ type: TableType) {
    self.type = type
    super.init()
  }

  override var typeName: String { type.rawValue }
  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "<\(type.rawValue) object>"
  }
  override func isEqual(to other: Value) -> Bool {
    other.object(TableTypeObject.self)?.type == type
  }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    guard name.name == "jsonify" || name.name == "csvify" else { return nil }
    return .function(name.name) { [type] arguments, interpreter throws(TemplateError) in
      let value = try CallArguments(name.name, arguments, ["d"], required: 1).value(0)
      if value.isNone { return name.name == "jsonify" ? .none : .string("") }
      switch type {
      case .number where name.name == "jsonify":
        return try Double(interpreter.string(value)).map(Value.float) ?? value
      case .integer, .number, .boolean, .text: return value
      default:
        let isoformat = try interpreter.attribute("isoformat", of: value)
        if isoformat.isUndefined { return .string(try interpreter.string(value)) }
        return try interpreter.call(isoformat, Arguments())
      }
    }
  }
}

/// A sequence whose items also have names: `table.columns`, the values of a row.
class NamedSequence: ContextObject {
  var count: Int { 0 }
  func element(_ index: Int) -> Value { .none }
  var names: [Value]? { nil }
  var description: String { "agate.MappedSequence" }

  override var typeName: String { "MappedSequence" }
  override var length: Int? { count }
  override var isTrue: Bool { count > 0 }

  override func iterate(_ interpreter: Interpreter) throws(TemplateError) -> [Value]? {
    (0..<count).map(element)
  }

  override func item(_ key: Value, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
    if let index = key.pythonInt {
      let place = index < 0 ? index + count : index
      return (0..<count).contains(place) ? element(place) : nil
    }
    guard let names, let place = names.firstIndex(where: { $0.isEqual(to: key) }) else {
      return nil
    }
    return element(place)
  }

  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    var texts: [String] = []
    for index in 0..<min(count, 5) { texts.append(try interpreter.repr(element(index))) }
    if count > 5 { texts.append("...") }
    return "<\(description): (\(texts.joined(separator: ", ")))>"
  }

  override func isEqual(to other: Value) -> Bool {
    let items: [Value]
    switch other {
    case .tuple(let tuple): items = tuple.items
    case .list(let list): items = list.items
    case .object(let object as NamedSequence):
      items = (0..<object.count).map(object.element)
    default: return false
    }
    return items.count == count && (0..<count).allSatisfy { element($0).isEqual(to: items[$0]) }
  }

  override func contains(
    _ needle: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Bool?
  { (0..<count).contains { element($0).isEqual(to: needle) } }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    let text = name.name
    let make: (@escaping NativeBody) -> Value = { .function(text, $0) }
    switch text {
    case "values":
      return make { _, _ throws(TemplateError) in
        .tuple((0..<self.count).map(self.element))
      }
    case "keys":
      return make { _, _ throws(TemplateError) in
        self.names.map { .tuple($0) } ?? .none
      }
    case "items":
      return make { _, _ throws(TemplateError) in
        .tuple(zip(self.names ?? [], (0..<self.count).map(self.element)).map { .tuple([$0, $1]) })
      }
    case "dict":
      return make { _, _ throws(TemplateError) in
        let dict = DictValue()
        for (name, index) in zip(self.names ?? [], 0..<self.count) {
          dict[name] = self.element(index)
        }
        return .dict(dict)
      }
    case "get":
      return make { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["key", "default"], required: 1)
        return try self.item(arguments.value(0), interpreter) ?? arguments.value(1)
      }
    case "count":
      return make { arguments, _ throws(TemplateError) in
        let value = try CallArguments(text, arguments, ["value"], required: 1).value(0)
        return .int((0..<self.count).count { self.element($0).isEqual(to: value) })
      }
    case "index": return indexMember
    default: return nil
    }
  }

  /// `index(value)`; of columns it is their place instead.
  var indexMember: Value {
    .function("index") { arguments, interpreter throws(TemplateError) in
      let value = try CallArguments("index", arguments, ["value"], required: 1).value(0)
      guard let place = (0..<self.count).first(where: { self.element($0).isEqual(to: value) })
      else { throw .valueError("\(try interpreter.repr(value)) is not in the sequence") }
      return .int(place)
    }
  }
}

/// Columns, or tables of a set, by place and name.
final class MappedSequence: NamedSequence {
  private let items: [Value]
  private let keys: [Value]

  init(_ items: [Value], _ keys: [String]) {
    self.items = items
    self.keys = keys.map(Value.string)
    super.init()
  }

  override var count: Int { items.count }
  override func element(_ index: Int) -> Value { items[index] }
  override var names: [Value]? { keys }
}

/// `table.rows`.
final class RowsObject: NamedSequence {
  private let table: TableObject

  init(_ table: TableObject) {
    self.table = table
    super.init()
  }

  override var count: Int { table.rowCount }
  override func element(_ index: Int) -> Value { .object(RowObject(table, index)) }
}

/// A row: its values by place and by the name of the column.
final class RowObject: NamedSequence {
  private let table: TableObject
  private let index: Int

  init(_ table: TableObject, _ index: Int) {
    self.table = table
    self.index = index
    super.init()
  }

  override var typeName: String { "Row" }
  override var description: String { "agate.Row" }
  override var count: Int { table.columnNames.count }
  override func element(_ index: Int) -> Value { table.rowValues(self.index)[index] }
  override var names: [Value]? { table.columnNames.map(Value.string) }

  override func item(
    _ key: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    guard let name = key.asString else { return try super.item(key, interpreter) }
    return table.columnNames.firstIndex(of: name).map(element)
  }

  override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(count)
    return true
  }
}

/// A column of a table.
final class TableColumnObject: NamedSequence {
  private let table: TableObject
  private let index: Int

  init(_ table: TableObject, _ index: Int) {
    self.table = table
    self.index = index
    super.init()
  }

  override var typeName: String { "Column" }
  override var description: String { "agate.Column" }
  override var count: Int { table.rowCount }
  override func element(_ index: Int) -> Value { table.rowValues(index)[self.index] }
  override var indexMember: Value { .int(index) }

  private var values: [Value] { (0..<count).map(element) }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    let text = name.name
    switch text {
    case "name": return .string(table.columnNames[index])
    case "data_type": return .object(TableTypeObject(table.columnTypes[index]))
    case "values_distinct":
      return .function(text) { _, _ throws(TemplateError) in
        .tuple(SetValue(self.values).items)
      }
    case "values_without_nulls":
      return .function(text) { _, _ throws(TemplateError) in
        .tuple(self.values.filter { !$0.isNone })
      }
    case "values_sorted", "values_without_nulls_sorted":
      return .function(text) { _, interpreter throws(TemplateError) in
        let values = text == "values_sorted" ? self.values : self.values.filter { !$0.isNone }
        return .list(try Self.sorted(values, interpreter))
      }
    default: return try super.attribute(name, interpreter)
    }
  }

  private static func sorted(
    _ values: [Value],
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> [Value]
  {
    var failure: TemplateError?
    let sorted = values.sorted { a, b in
      do throws(TemplateError) {
        return try TableOrder.compare(a, b, interpreter) < 0
      } catch {
        failure = failure ?? error
        return false
      }
    }
    if let failure { throw failure }
    return sorted
  }
}

/// `table.group_by(key)`: tables by the value of the key.
final class TableSetObject: NamedSequence {
  private let tables: [(key: Value, table: Value)]

  init(_ tables: [(Value, Value)]) {
    self.tables = tables.map { (key: $0.0, table: $0.1) }
    super.init()
  }

  override var typeName: String { "TableSet" }
  override var count: Int { tables.count }
  override func element(_ index: Int) -> Value { tables[index].table }
  override var names: [Value]? { tables.map(\.key) }
}
