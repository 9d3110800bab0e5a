import SectoralPython

/// Finds the first type that every value of a column fits.
struct CellSniffer: Sendable {
  private struct Types: OptionSet {
    let rawValue: UInt8

    static let number = Types(rawValue: 1)
    static let date = Types(rawValue: 2)
    static let dateTime = Types(rawValue: 4)
    static let isoDateTime = Types(rawValue: 8)
    static let boolean = Types(rawValue: 16)
    static let all: Types = [.number, .date, .dateTime, .isoDateTime, .boolean]
  }

  private var candidates: Types
  private let isText: Bool
  private var isEmpty = true
  private var hasFraction = false
  private var isZoned = false
  private var longestByteCount = 0
  /// In what shapes values stood since this was emptied.
  var shapes: CellShapes = []

  init(isText: Bool) {
    self.isText = isText
    candidates = isText ? [] : .all
  }

  /// Looks at a cell. Returns whether it is a NULL that the database would not take for one.
  @inline(__always)
  mutating func note(_ cell: UnsafeBufferPointer<UInt8>, isQuoted: Bool) -> Bool {
    if CellText.isNull(cell) { return isQuoted || !cell.isEmpty }
    isEmpty = false
    if cell.count > longestByteCount { longestByteCount = cell.count }
    if !candidates.isEmpty { narrow(cell) }
    return false
  }

  private mutating func narrow(_ cell: UnsafeBufferPointer<UInt8>) {
    if candidates.contains(.number) {
      if CellText.isPlainNumber(cell, allowsPoint: true) {
        noteFraction(of: cell)
      } else if let number = CellText.number(String(decoding: cell, as: UTF8.self)) {
        shapes.insert(.oddNumber)
        if number.kind == .finite, !number.isIntegral { hasFraction = true }
      } else {
        candidates.remove(.number)
      }
    }
    guard candidates != .number else { return }
    let mayBeTime = CellText.mayBeTime(cell)
    if candidates.contains(.date), !CellText.isISODate(cell) {
      shapes.insert(.oddDate)
      if !mayBeTime || CellText.date(String(decoding: cell, as: UTF8.self)) == nil {
        candidates.remove(.date)
      }
    }
    if candidates.contains(.dateTime), !CellText.isPlainTime(cell) {
      shapes.insert(.oddTime)
      if !mayBeTime || CellText.time(String(decoding: cell, as: UTF8.self), .dateTime) == nil {
        candidates.remove(.dateTime)
      }
    }
    if candidates.contains(.isoDateTime) {
      let moment =
        mayBeTime ? CellText.time(String(decoding: cell, as: UTF8.self), .isoDateTime) : nil
      if let moment {
        if moment.offset != nil { isZoned = true }
      } else {
        candidates.remove(.isoDateTime)
      }
    }
    if candidates.contains(.boolean), !CellText.isTrue(cell), !CellText.isFalse(cell) {
      candidates.remove(.boolean)
    }
  }

  /// `1.50` has a fraction, `1.00` has not.
  private mutating func noteFraction(of cell: UnsafeBufferPointer<UInt8>) {
    guard !hasFraction || !shapes.contains(.point),
      let point = cell.firstIndex(of: UInt8(ascii: "."))
    else { return }
    shapes.insert(.point)
    if cell[(point + 1)...].contains(where: { $0 != UInt8(ascii: "0") }) { hasFraction = true }
  }

  /// Adds what was found in another part of the column.
  mutating func join(_ other: CellSniffer) {
    candidates.formIntersection(other.candidates)
    isEmpty = isEmpty && other.isEmpty
    hasFraction = hasFraction || other.hasFraction
    isZoned = isZoned || other.isZoned
    longestByteCount = max(longestByteCount, other.longestByteCount)
  }

  func describe(_ column: inout SeedTable.Column) {
    column.type = isText ? .text : type
    switch column.type {
    case .number: column.hasFraction = hasFraction
    case .isoDateTime: column.isZoned = isZoned
    case .text: column.longestByteCount = longestByteCount
    default: break
    }
  }

  private var type: TableType {
    if isEmpty { return .integer }
    if candidates.contains(.number) { return .number }
    if candidates.contains(.date) { return .date }
    if candidates.contains(.dateTime) { return .dateTime }
    if candidates.contains(.isoDateTime) { return .isoDateTime }
    return candidates.contains(.boolean) ? .boolean : .text
  }
}
