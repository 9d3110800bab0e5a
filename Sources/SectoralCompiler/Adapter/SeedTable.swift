package import SectoralJinja
import SectoralPython
package import SectoralText

/// The rows of a seed's CSV file, with the types that its columns turn out to have.
///
/// Cells stay the bytes they are until someone needs them otherwise: a big file is loaded without a
/// value for each.
package final class SeedTable: Sendable {
  package struct Column: Sendable {
    package var name: String
    package var type: TableType
    /// Of numbers: some value has digits behind the point.
    package var hasFraction = false
    /// Of times: some value says its offset from UTC.
    package var isZoned = false
    /// Of the longest text, in UTF-8.
    package var longestByteCount = 0
  }

  package let columns: [Column]
  package let rowCount: Int
  private let grid: CSVGrid

  /// `file`: UTF-8, with or without a byte order mark.
  /// `textColumns`: Columns whose type the project says: they are not looked into.
  package init(
    _ file: SourceFile,
    delimiter: UInt8 = UInt8(ascii: ","),
    textColumns: Set<String> = []
  )
    throws(SeedError)
  {
    var reader = CSVReader(file: file, delimiter: delimiter)
    let grid = try reader.read()
    var taken: Set<String> = []
    var columns: [Column] = []
    for (index, head) in grid.head.enumerated() {
      let base = head.isEmpty ? TableObject.letter(index) : head
      var name = base
      var number = 2
      while !taken.insert(name).inserted {
        name = "\(base)_\(number)"
        number += 1
      }
      columns.append(Column(name: name, type: .text))
    }
    for index in columns.indices {
      let sniffer = ColumnSniffer(grid, index, isText: textColumns.contains(columns[index].name))
      sniffer.describe(&columns[index])
    }
    self.columns = columns
    self.grid = grid
    rowCount = grid.rowCount
  }

  // MARK: Cells

  /// A cell as a template's value.
  package func value(row: Int, column: Int) -> Value {
    grid.withCell(row, column) { bytes in
      guard !CellText.isNull(bytes) else { return .none }
      let text = String(decoding: bytes, as: UTF8.self)
      switch columns[column].type {
      case .integer, .text: return .string(text)
      case .number: return .decimal(CellText.number(text) ?? .notANumber)
      case .boolean: return .bool(CellText.isTrue(bytes))
      case .date:
        guard let moment = CellText.date(text) else { return .string(text) }
        return .object(DateObject(day: moment.dayNumber))
      case .dateTime, .isoDateTime:
        guard let moment = CellText.time(text, columns[column].type) else { return .string(text) }
        return .object(
          DateTimeObject(
            local: moment.local,
            zone: moment.offset.map { FixedZone(seconds: $0) }
          )
        )
      }
    }
  }

  /// The type that the database should give the column.
  package func sqlType(_ column: Int, adapterType: String) -> String {
    columns[column].type.sqlType(
      hasFraction: columns[column].hasFraction,
      longestByteCount: columns[column].longestByteCount,
      adapterType: adapterType
    )
  }

  /// The rows `start..<end` as CSV for `COPY … (FORMAT csv)`: NULL is an empty field, texts stand
  /// in quotes.
  ///
  /// `utcOffset`: Seconds east of UTC of the session's zone at an instant: times that say
  /// their own zone are stored as that clock shows them.
  package func copyText(rows: Range<Int>, utcOffset: (Int) -> Int = { _ in 0 }) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(rows.count * columns.count * 8)
    for row in rows {
      for column in columns.indices {
        if column > 0 { out.append(UInt8(ascii: ",")) }
        grid.withCell(row, column) { bytes in
          guard !CellText.isNull(bytes) else { return }
          append(bytes, columns[column], utcOffset, &out)
        }
      }
      // A row of one NULL would be an empty line, which is a row all the same.
      out.append(UInt8(ascii: "\n"))
    }
    return out
  }

  private func append(
    _ bytes: UnsafeBufferPointer<UInt8>,
    _ column: Column,
    _ utcOffset: (Int) -> Int,
    _ out: inout [UInt8]
  ) {
    switch column.type {
    case .text, .integer: CellText.appendQuoted(bytes, &out)
    case .boolean: out.append(contentsOf: (CellText.isTrue(bytes) ? "true" : "false").utf8)
    case .number:
      if CellText.isPlainNumber(bytes, allowsPoint: column.hasFraction) {
        out.append(contentsOf: bytes)
        return
      }
      guard let number = CellText.number(String(decoding: bytes, as: UTF8.self)) else { return }
      if !column.hasFraction, let whole = number.truncated {
        out.append(contentsOf: whole.description.utf8)
      } else {
        out.append(contentsOf: number.description.utf8)
      }
    case .date:
      if CellText.isISODate(bytes) {
        out.append(contentsOf: bytes)
      } else if let moment = CellText.date(String(decoding: bytes, as: UTF8.self)) {
        out.append(contentsOf: moment.isoDate.utf8)
      }
    case .dateTime, .isoDateTime:
      if column.type == .dateTime, CellText.isPlainTime(bytes) {
        out.append(contentsOf: bytes)
        return
      }
      guard var moment = CellText.time(String(decoding: bytes, as: UTF8.self), column.type) else {
        return
      }
      if let offset = moment.offset {
        let utc = moment.local - offset * 1_000_000
        let shift = utcOffset(CalendarMath.floorDivide(utc, 1_000_000))
        moment = Moment(local: utc + shift * 1_000_000)
      }
      out.append(contentsOf: "\(moment.isoDate) \(moment.isoTime() ?? "")".utf8)
    }
  }
}

/// Why a seed's file cannot be read, with the place in the file.
package struct SeedError: Error, Sendable {
  package let diagnostic: Diagnostic
}

extension TableType {
  func sqlType(hasFraction: Bool, longestByteCount: Int, adapterType: String) -> String {
    switch self {
    case .integer: "integer"
    case .number: hasFraction ? "float8" : "integer"
    case .boolean: "boolean"
    case .date: "date"
    case .dateTime, .isoDateTime: "timestamp without time zone"
    case .text:
      adapterType == "redshift"
        ? "varchar(\(longestByteCount == 0 ? 64 : longestByteCount))" : "text"
    }
  }
}

// MARK: Reading

/// The cells of a file, one after the other in one buffer.
struct CSVGrid: Sendable {
  var head: [String] = []
  var rowCount = 0
  fileprivate var bytes: [UInt8] = []
  /// Where each cell ends; the first is an end at 0.
  fileprivate var ends: [UInt32] = [0]

  func withCell<Result>(
    _ row: Int,
    _ column: Int,
    _ body: (UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    let cell = row * head.count + column
    let range = Int(ends[cell])..<Int(ends[cell + 1])
    return bytes.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[range])) }
  }
}

/// Reads CSV as Python's `csv` module does with its defaults: fields in double quotes may hold
/// delimiters, line ends and doubled quotes; a quote inside of an unquoted field is itself.
private struct CSVReader {
  let file: SourceFile
  let delimiter: UInt8
  private var grid = CSVGrid()
  private var fieldCount = 0

  init(file: SourceFile, delimiter: UInt8) {
    self.file = file
    self.delimiter = delimiter
  }

  mutating func read() throws(SeedError) -> CSVGrid {
    try checkEncoding()
    guard file.bytes.count < Int(UInt32.max) else {
      throw fail("seed.too-big", "the file is larger than 4 GB", at: 0, hint: "load it with COPY")
    }
    grid.bytes.reserveCapacity(file.bytes.count)
    let start = file.bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    guard start < file.bytes.count else {
      throw fail(
        "seed.empty",
        "the file is empty: a seed needs a line with the names of its columns",
        at: 0,
        hint: "write the names of the columns into the first line"
      )
    }
    var index = start
    var rowStart = start
    while index < file.bytes.count {
      rowStart = index
      index = readRow(from: index)
      try finishRow(at: rowStart)
    }
    return grid
  }

  /// Reads one record and its line end; returns where the next one begins.
  private mutating func readRow(from start: Int) -> Int {
    let count = file.bytes.count
    var index = start
    fieldCount = 0
    return file.bytes.withUnsafeBufferPointer { bytes in
      let isLineEnd = { (byte: UInt8) in byte == 10 || byte == 13 }
      func afterLineEnd(_ index: Int) -> Int {
        bytes[index] == 13 && index + 1 < count && bytes[index + 1] == 10 ? index + 2 : index + 1
      }
      // A blank line is a record without fields.
      if isLineEnd(bytes[index]) { return afterLineEnd(index) }
      while true {
        if index < count, bytes[index] == UInt8(ascii: "\"") {
          index = appendQuoted(bytes, from: index + 1)
        }
        let fieldStart = index
        while index < count, bytes[index] != delimiter, !isLineEnd(bytes[index]) { index += 1 }
        grid.bytes.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[fieldStart..<index]))
        grid.ends.append(UInt32(grid.bytes.count))
        fieldCount += 1
        guard index < count else { return index }
        if bytes[index] != delimiter { return afterLineEnd(index) }
        index += 1
      }
    }
  }

  /// Appends what stands between quotes; returns where it ends. A quote that is never closed ends
  /// with the file.
  private mutating func appendQuoted(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "\"") {
        guard index + 1 < bytes.count, bytes[index + 1] == byte else { return index + 1 }
        grid.bytes.append(byte)
        index += 2
      } else if byte == 13 {
        // Line ends inside of quotes are read as plain newlines.
        grid.bytes.append(10)
        index += index + 1 < bytes.count && bytes[index + 1] == 10 ? 2 : 1
      } else {
        grid.bytes.append(byte)
        index += 1
      }
    }
    return index
  }

  /// The first record is the head; later ones are filled up with NULL.
  private mutating func finishRow(at start: Int) throws(SeedError) {
    guard !grid.head.isEmpty else {
      guard fieldCount > 0 else {
        throw fail(
          "seed.no-header",
          "the first line is blank: it must hold the names of the columns",
          at: start,
          hint: "remove the blank line"
        )
      }
      var from = 0
      grid.head = grid.ends.dropFirst().map { end in
        defer { from = Int(end) }
        return String(decoding: grid.bytes[from..<Int(end)], as: UTF8.self)
      }
      grid.bytes.removeAll(keepingCapacity: true)
      grid.ends = [0]
      grid.ends.reserveCapacity(file.bytes.count / 6)
      return
    }
    guard fieldCount <= grid.head.count else {
      throw fail(
        "seed.too-many-values",
        "Row \(grid.rowCount) has \(fieldCount) values, but Table only has \(grid.head.count) "
          + "columns.",
        at: start,
        hint: "put double quotes around values that hold the delimiter "
          + "'\(Character(Unicode.Scalar(delimiter)))'"
      )
    }
    for _ in fieldCount..<grid.head.count { grid.ends.append(UInt32(grid.bytes.count)) }
    grid.rowCount += 1
  }

  private func checkEncoding() throws(SeedError) {
    let isASCII = file.bytes.withUnsafeBufferPointer { $0.allSatisfy { $0 < 0x80 } }
    guard !isASCII, String(validating: file.bytes, as: UTF8.self) == nil else { return }
    var parser = Unicode.UTF8.ForwardParser()
    var iterator = file.bytes.makeIterator()
    var offset = 0
    while case .valid(let encoded) = parser.parseScalar(from: &iterator) { offset += encoded.count }
    throw fail(
      "seed.not-utf8",
      "the file is not UTF-8: the byte at offset \(offset) does not belong there",
      at: offset,
      hint: "convert the file to UTF-8, for instance with iconv -f latin1 -t utf-8"
    )
  }

  private func fail(_ id: String, _ message: String, at offset: Int, hint: String) -> SeedError {
    let line = file.position(at: offset).line
    let end = max(offset + 1, file.lineRange(line).upperBound)
    return SeedError(
      diagnostic: Diagnostic(
        id: id,
        message: message,
        span: TextSpan(file: file, start: offset, end: min(end, file.bytes.count)),
        hint: hint
      )
    )
  }
}

// MARK: Types

/// Finds the first type that every value of a column fits.
private struct ColumnSniffer {
  private let grid: CSVGrid
  private let column: Int
  private let isText: Bool

  init(_ grid: CSVGrid, _ column: Int, isText: Bool) {
    self.grid = grid
    self.column = column
    self.isText = isText
  }

  func describe(_ description: inout SeedTable.Column) {
    let type = isText ? .text : type()
    description.type = type
    switch type {
    case .number: description.hasFraction = cells(contain: Self.hasFraction)
    case .isoDateTime:
      description.isZoned = cells(contain: {
        CellText.time(String(decoding: $0, as: UTF8.self), .isoDateTime)?.offset != nil
      })
    case .text:
      var longest = 0
      for row in 0..<grid.rowCount {
        grid.withCell(row, column) {
          if $0.count > longest, !CellText.isNull($0) { longest = $0.count }
        }
      }
      description.longestByteCount = longest
    default: break
    }
  }

  private func type() -> TableType {
    var candidates: [TableType] = [.number, .date, .dateTime, .isoDateTime, .boolean]
    var isEmpty = true
    for row in 0..<grid.rowCount where !candidates.isEmpty {
      grid.withCell(row, column) { bytes in
        guard !CellText.isNull(bytes) else { return }
        isEmpty = false
        candidates.removeAll { !Self.fits(bytes, $0) }
      }
    }
    return isEmpty ? .integer : candidates.first ?? .text
  }

  private static func fits(_ bytes: UnsafeBufferPointer<UInt8>, _ type: TableType) -> Bool {
    switch type {
    case .number:
      CellText.isPlainNumber(bytes, allowsPoint: true)
        || CellText.number(String(decoding: bytes, as: UTF8.self)) != nil
    case .date:
      CellText.isISODate(bytes)
        || (CellText.mayBeTime(bytes)
          && CellText.date(String(decoding: bytes, as: UTF8.self)) != nil)
    case .dateTime, .isoDateTime:
      (type == .dateTime && CellText.isPlainTime(bytes))
        || CellText.mayBeTime(bytes)
          && CellText.time(String(decoding: bytes, as: UTF8.self), type) != nil
    case .boolean: CellText.isTrue(bytes) || CellText.isFalse(bytes)
    case .integer, .text: true
    }
  }

  private static func hasFraction(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    if CellText.isPlainNumber(bytes, allowsPoint: false) { return false }
    guard let number = CellText.number(String(decoding: bytes, as: UTF8.self)) else { return false }
    return number.kind == .finite && !number.isIntegral
  }

  /// Whether some value that is not NULL passes.
  private func cells(contain test: (UnsafeBufferPointer<UInt8>) -> Bool) -> Bool {
    for row in 0..<grid.rowCount
    where grid.withCell(row, column, { !CellText.isNull($0) && test($0) }) { return true }
    return false
  }
}

/// How the texts of a CSV file are read.
private enum CellText {
  typealias Bytes = UnsafeBufferPointer<UInt8>

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

  private static func trimmed(_ bytes: Bytes) -> Bytes {
    var start = 0
    var end = bytes.count
    while start < end, isBlank(bytes[start]) { start += 1 }
    while end > start, isBlank(bytes[end - 1]) { end -= 1 }
    return Bytes(rebasing: bytes[start..<end])
  }

  private static func matches(_ bytes: Bytes, _ word: StaticString) -> Bool {
    let bytes = trimmed(bytes)
    guard bytes.count == word.utf8CodeUnitCount else { return false }
    for index in 0..<bytes.count where bytes[index] | 0x20 != word.utf8Start[index] { return false }
    return true
  }

  /// Blank, or `null` in any case.
  static func isNull(_ bytes: Bytes) -> Bool {
    if bytes.isEmpty { return true }
    // Most cells begin with something that no NULL begins with.
    guard isBlank(bytes[0]) || bytes[0] | 0x20 == UInt8(ascii: "n") else { return false }
    return trimmed(bytes).isEmpty || matches(bytes, "null")
  }

  static func isTrue(_ bytes: Bytes) -> Bool { matches(bytes, "true") }
  static func isFalse(_ bytes: Bytes) -> Bool { matches(bytes, "false") }

  /// Digits, with a sign before and at most one point between: what any database reads as it is.
  static func isPlainNumber(_ bytes: Bytes, allowsPoint: Bool) -> Bool {
    var index = 0
    if bytes.count > 1, bytes[0] == UInt8(ascii: "-") { index = 1 }
    guard index < bytes.count, bytes.count < 28, (48...57).contains(bytes[index]) else {
      return false
    }
    var sawPoint = !allowsPoint
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "."), !sawPoint {
        sawPoint = true
      } else if !(48...57).contains(bytes[index]) {
        return false
      }
      index += 1
    }
    return bytes[index - 1] != UInt8(ascii: ".")
  }

  private static let currencySigns: Set<Unicode.Scalar> = [
    "؋", "$", "ƒ", "៛", "¥", "₡", "₱", "£", "€", "¢", "﷼", "₪", "₩", "₭", "₮", "₦", "฿", "₤", "₫",
  ]

  /// A number with thousands separators, percent and currency signs.
  static func number(_ text: String) -> DecimalNumber? {
    // What holds no digit is a number only when it is called infinity or nan.
    var scalars = Array(text.unicodeScalars)[...]
    func strip(_ isCut: (Unicode.Scalar) -> Bool) {
      while let first = scalars.first, isCut(first) { scalars.removeFirst() }
      while let last = scalars.last, isCut(last) { scalars.removeLast() }
    }
    strip { $0.properties.isWhitespace }
    strip { $0 == "%" }
    var isNegative = false
    if scalars.first == "-" {
      isNegative = true
      scalars.removeFirst()
    }
    strip { currencySigns.contains($0) }
    var plain = ""
    plain.unicodeScalars.append(contentsOf: scalars.lazy.filter { $0 != "," })
    guard plain.lowercased() != "snan", let number = DecimalNumber(plain) else { return nil }
    return isNegative ? DecimalNumber(-1) * number : DecimalNumber(1) * number
  }

  /// `2024-01-02`, a day that exists.
  static func isISODate(_ bytes: Bytes) -> Bool {
    guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else {
      return false
    }
    func number(_ range: Range<Int>) -> Int? {
      var value = 0
      for byte in bytes[range] {
        guard (48...57).contains(byte) else { return nil }
        value = value * 10 + Int(byte) - 48
      }
      return value
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10) else {
      return false
    }
    return year >= 1 && (1...12).contains(month) && day >= 1
      && day <= CalendarMath.days(inMonth: month, year)
  }

  /// `2024-01-02 03:04:05`
  static func isPlainTime(_ bytes: Bytes) -> Bool {
    guard bytes.count == 19, bytes[10] == 32, bytes[13] == UInt8(ascii: ":"),
      bytes[16] == UInt8(ascii: ":"), isISODate(Bytes(rebasing: bytes[0..<10]))
    else { return false }
    func number(at index: Int) -> Int? {
      let (tens, ones) = (bytes[index], bytes[index + 1])
      guard (48...57).contains(tens), (48...57).contains(ones) else { return nil }
      return Int(tens - 48) * 10 + Int(ones - 48)
    }
    guard let hour = number(at: 11), let minute = number(at: 14), let second = number(at: 17)
    else { return false }
    return hour < 24 && minute < 60 && second < 60
  }

  /// Whether it begins like a date: with two digits, perhaps behind blanks.
  static func mayBeTime(_ bytes: Bytes) -> Bool {
    let bytes = trimmed(bytes)
    return bytes.count >= 5 && bytes.count < 80 && (48...57).contains(bytes[0])
      && (48...57).contains(bytes[1])
  }

  private static func stripped(_ text: String) -> String {
    var text = Substring(text)
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }

  // Both are right: a format that is not gives nothing.
  private static let dateFormat = try? DateFormat("%Y-%m-%d")
  private static let timeFormat = try? DateFormat("%Y-%m-%d %H:%M:%S")

  static func date(_ text: String) -> Moment? { parse(stripped(text), dateFormat) }

  static func time(_ text: String, _ type: TableType) -> Moment? {
    type == .dateTime
      ? parse(stripped(text), timeFormat) : ISODateTime.parse(stripped(text))
  }

  private static func parse(_ text: String, _ format: DateFormat?) -> Moment? {
    guard let format else { return nil }
    do throws(DateParser.Failure) {
      return try DateParser.parse(text, format)
    } catch {
      return nil
    }
  }

  static func appendQuoted(_ bytes: Bytes, _ out: inout [UInt8]) {
    out.append(UInt8(ascii: "\""))
    if bytes.contains(UInt8(ascii: "\"")) {
      for byte in bytes {
        if byte == UInt8(ascii: "\"") { out.append(byte) }
        out.append(byte)
      }
    } else {
      out.append(contentsOf: bytes)
    }
    out.append(UInt8(ascii: "\""))
  }
}

/// ISO 8601 with a `T`, in every shape that the standard allows: `2024-W01-1T03`, `20240102T0304`.
private enum ISODateTime {
  static func parse(_ text: String) -> Moment? {
    let parts = text.split(separator: "T", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty,
      var moment = date(Array(parts[0].utf8)), time(Array(parts[1].utf8), &moment)
    else { return nil }
    do throws(PythonValueError) {
      try moment.check()
      return moment
    } catch {
      return nil
    }
  }

  private static func number(_ bytes: some Collection<UInt8>) -> Int? {
    guard !bytes.isEmpty else { return nil }
    var value = 0
    for byte in bytes {
      guard (48...57).contains(byte) else { return nil }
      value = value * 10 + Int(byte) - 48
    }
    return value
  }

  private static func date(_ bytes: [UInt8]) -> Moment? {
    let shape = String(
      decoding: bytes.map { (48...57).contains($0) ? UInt8(ascii: "0") : $0 },
      as: UTF8.self
    )
    func part(_ range: Range<Int>) -> Int { number(bytes[range]) ?? 0 }
    var moment = Moment()
    func set(day: Int) { (moment.year, moment.month, moment.day) = CalendarMath.date(ofDay: day) }
    switch shape {
    case "0000-00-00":
      (moment.year, moment.month, moment.day) = (part(0..<4), part(5..<7), part(8..<10))
    case "00000000":
      (moment.year, moment.month, moment.day) = (part(0..<4), part(4..<6), part(6..<8))
    case "0000-00": (moment.year, moment.month) = (part(0..<4), part(5..<7))
    case "0000": moment.year = part(0..<4)
    case "00": moment.year = part(0..<2) * 100 + 1
    case "0000-000", "0000000":
      let day = part(shape.utf8.count == 8 ? 5..<8 : 4..<7)
      let year = part(0..<4)
      guard year >= 1, day >= 1, day <= (CalendarMath.isLeap(year) ? 366 : 365) else { return nil }
      set(day: CalendarMath.day(year, 1, 1) + day - 1)
    case "0000-W00-0", "0000W000", "0000-W00", "0000W00":
      let isExtended = shape.utf8.contains(UInt8(ascii: "-"))
      let week = part(isExtended ? 6..<8 : 5..<7)
      let hasDay = shape.utf8.count > (isExtended ? 8 : 7)
      let day = hasDay ? part((bytes.count - 1)..<bytes.count) : 1
      guard (1...53).contains(week), (1...7).contains(day), part(0..<4) >= 1 else { return nil }
      set(day: CalendarMath.day(isoYear: part(0..<4), week: week, weekday: day))
    default: return nil
    }
    return moment
  }

  private static func time(_ bytes: [UInt8], _ moment: inout Moment) -> Bool {
    var clock = bytes[...]
    if clock.last == UInt8(ascii: "Z") {
      clock.removeLast()
      moment.offset = 0
    } else if let sign = clock.lastIndex(where: {
      $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-")
    }) {
      let zone = clock[(sign + 1)...].filter { $0 != UInt8(ascii: ":") }
      let hasColon = clock[(sign + 1)...].contains(UInt8(ascii: ":"))
      guard zone.count == 2 || zone.count == 4, let value = number(zone),
        !hasColon || (zone.count == 4 && clock[sign + 3] == UInt8(ascii: ":"))
      else { return false }
      let seconds = zone.count == 2 ? value * 3600 : value / 100 * 3600 + value % 100 * 60
      guard seconds < 86_400 else { return false }
      moment.offset = clock[sign] == UInt8(ascii: "-") ? -seconds : seconds
      clock = clock[..<sign]
    }
    var fraction: [UInt8] = []
    if let point = clock.firstIndex(where: { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ",") }) {
      fraction = Array(clock[(point + 1)...])
      guard number(fraction) != nil, fraction.count < 16 else { return false }
      clock = clock[..<point]
    }
    let parts = clock.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    let fields: [ArraySlice<UInt8>]
    if parts.count == 1 {
      guard clock.count % 2 == 0, clock.count <= 6 else { return false }
      fields = stride(from: clock.startIndex, to: clock.endIndex, by: 2).map { clock[$0..<$0 + 2] }
    } else {
      fields = parts
    }
    guard (1...3).contains(fields.count), fields.allSatisfy({ $0.count == 2 }) else { return false }
    let values = fields.compactMap { number($0) }
    guard values.count == fields.count else { return false }
    moment.hour = values[0]
    moment.minute = values.count > 1 ? values[1] : 0
    moment.second = values.count > 2 ? values[2] : 0
    guard !fraction.isEmpty else { return true }
    // A fraction belongs to the smallest unit that is written.
    var scale = 1
    for _ in fraction { scale *= 10 }
    let unit = [3600, 60, 1][values.count - 1]
    let micros =
      (number(fraction) ?? 0) * unit / scale * 1_000_000
      + (number(fraction) ?? 0) * unit % scale * 1_000_000 / scale
    let total = moment.timeOfDay + micros
    guard moment.hour < 24 else { return false }
    let shown = Moment(local: total)
    (moment.hour, moment.minute, moment.second, moment.microsecond) = (
      shown.hour, shown.minute, shown.second, shown.microsecond
    )
    return true
  }
}
