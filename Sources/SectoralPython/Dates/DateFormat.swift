/// A format of `strptime`, taken apart.
package struct DateFormat: Sendable {
  enum Element: Sendable, Equatable {
    case literal(Unicode.Scalar)
    /// At least one blank of any kind.
    case blank
    case field(Field)
  }

  /// A directive by its letter; each may stand once.
  enum Field: Unicode.Scalar, Sendable {
    case year = "Y"
    case shortYear = "y"
    case month = "m"
    case day = "d"
    case hour = "H"
    case twelveHour = "I"
    case minute = "M"
    case second = "S"
    case fraction = "f"
    case dayOfYear = "j"
    case weekday = "w"
    case isoWeekday = "u"
    case weekFromSunday = "U"
    case weekFromMonday = "W"
    case isoWeek = "V"
    case isoYear = "G"
    case half = "p"
    case shortMonth = "b"
    case monthName = "B"
    case shortDay = "a"
    case dayName = "A"
    case offset = "z"
    case zone = "Z"
  }

  let elements: [Element]
  var fields: [Field] {
    elements.compactMap { if case .field(let field) = $0 { field } else { nil } }
  }

  package init(_ format: String) throws(DateParser.Failure) {
    var builder = Builder()
    try builder.add(format.unicodeScalars)
    elements = builder.elements
  }

  private struct Builder {
    var elements: [Element] = []
    var seen: Set<Field> = []

    mutating func add(_ format: String.UnicodeScalarView) throws(DateParser.Failure) {
      var rest = format[...]
      while let scalar = rest.popFirst() {
        if scalar == "%" {
          guard let letter = rest.popFirst() else { throw .strayPercent }
          try addDirective(letter)
        } else if scalar.properties.isWhitespace || ("\u{1C}"..."\u{1F}").contains(scalar) {
          if elements.last != .blank { elements.append(.blank) }
        } else {
          elements.append(.literal(scalar))
        }
      }
    }

    private mutating func addDirective(_ letter: Unicode.Scalar) throws(DateParser.Failure) {
      switch letter {
      case "%": elements.append(.literal("%"))
      case "c": try add("%a %b %d %H:%M:%S %Y".unicodeScalars)
      case "x": try add("%m/%d/%y".unicodeScalars)
      case "X": try add("%H:%M:%S".unicodeScalars)
      default:
        guard let field = Field(rawValue: letter) else { throw .badDirective(String(letter)) }
        guard seen.insert(field).inserted else { throw .repeatedDirective(String(letter)) }
        elements.append(.field(field))
      }
    }
  }
}
