import SectoralJinja
import SectoralPython
import SectoralText
import SectoralWarehouse

/// How a seed's rows come into Redshift, which has no `COPY … FROM STDIN`.
extension AdapterCall {
  static let seedMethods: [String: AdapterObject.Method] = [
    "load_seed_rows": .init(.nothing) { (call) throws(TemplateError) in try call.loadSeedRows() }
  ]

  /// Redshift takes statements of 16 MB; what is left is for the comment, and for good measure.
  private static let statementLimit = 15 << 20

  /// `load_seed_rows(relation, table, columns)`: by way of files where the profile says so and there is
  /// enough to load, else by INSERTs; gives the record of it for `target/run`.
  private func loadSeedRows() throws(TemplateError) -> Value {
    let arguments = try bound(["relation", "agate_table", "column_names"])
    let relation = try self.relation(arguments.value(0), "relation")
    guard let table = arguments.value(1).object(TableObject.self) else {
      throw .typeError("load_seed_rows() needs a table, not \(arguments.value(1).typeName)")
    }
    let columns = try interpreter.string(arguments.value(2))
    let session = try session()
    if let seed = table.seed, let loader = session.warehouse.bulkLoader,
      seed.byteCount >= loader.minimumByteCount
    {
      return .string(try load(seed, into: relation.rendered, columns, loader, session))
    }
    let literals = SQLLiteral(adapterType: adapterType)
    let head = "insert into \(relation.rendered) (\(columns)) values "
    var first: String?
    var text = head
    func send() throws(TemplateError) {
      first = first ?? text
      do throws(WarehouseError) {
        _ = try session.executeOne(
          text,
          opensTransaction: true,
          // The comment tells whose cost it is.
          commented: true,
          abridged: true
        )
      } catch { throw .warehouse(error) }
      text = head
    }
    for row in table.cellRows() {
      var values = "("
      for (index, value) in row.enumerated() {
        if index > 0 { values += "," }
        values += try literals.text(value, interpreter)
      }
      values += ")"
      if text.utf8.count > head.utf8.count {
        if text.utf8.count + values.utf8.count > Self.statementLimit {
          try send()
        } else {
          text += ","
        }
      }
      text += values
    }
    if text.utf8.count > head.utf8.count { try send() }
    return .string(first ?? "")
  }

  private func load(
    _ seed: SeedTable,
    into relation: String,
    _ columns: String,
    _ loader: any BulkLoader,
    _ session: WarehouseSession
  ) throws(TemplateError) -> String {
    let zone = seed.columns.contains(where: \.isZoned) ? try sessionZone() : nil
    let rows = seed.load(into: relation, columns: columns, owner: session.name) { instant in
      zone.map { $0.phases[$0.phase(atUTC: instant)].offset } ?? 0
    }
    let warnings: [String]
    do throws(BulkLoadError) {
      warnings = try session.load(rows, with: loader)
    } catch { throw refused(error, seed) }
    for warning in warnings { try warn(warning) }
    return "copy \(relation) (\(columns)) from s3"
  }

  private func warn(_ message: String) throws(TemplateError) {
    try host.emit(.warning(name: "JinjaLogWarning", message: message))
  }

  /// The database's error with the places in the seed's file.
  private func refused(_ error: BulkLoadError, _ seed: SeedTable) -> TemplateError {
    var shown = error.error
    guard !error.faults.isEmpty else { return .warehouse(shown) }
    var lines: [String] = []
    for fault in error.faults {
      let (span, value) = seed.place(of: fault)
      let place = span.file.position(at: span.start)
      var line = "\(span.file.path):\(place.line)"
      if !fault.column.isEmpty {
        line += ", column \(fault.column)" + (fault.type.isEmpty ? "" : " (\(fault.type))")
      }
      if let value { line += ", value '\(value.prefix(80))'" }
      lines.append("\(line): \(fault.reason)")
    }
    shown.message =
      "\(lines.count == 1 ? "a value does" : "values do") not fit:\n"
      + lines.map { "  \($0)" }.joined(separator: "\n")
    shown.detail = nil
    shown.report = nil
    shown.hint = "correct the file, or give the column another type with 'column_types'"
    return .warehouse(shown)
  }
}
