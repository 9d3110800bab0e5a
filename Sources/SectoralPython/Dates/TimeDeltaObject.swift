package import SectoralJinja

/// Python's `timedelta`.
package final class TimeDeltaObject: Object {
  package let microseconds: Int

  package init(microseconds: Int) {
    self.microseconds = microseconds
    super.init()
  }

  private var days: Int {
    CalendarMath.floorDivide(microseconds, CalendarMath.microsecondsPerDay)
  }
  private var secondsOfDay: Int {
    (microseconds - days * CalendarMath.microsecondsPerDay) / 1_000_000
  }
  private var fraction: Int { CalendarMath.floorModulo(microseconds, 1_000_000) }

  package override var typeName: String { "datetime.timedelta" }
  package override var isTrue: Bool { microseconds != 0 }

  var text: String {
    let seconds = secondsOfDay
    var text = "\(seconds / 3600):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
    if fraction != 0 { text += "." + padded(fraction, 6) }
    return days == 0 ? text : "\(days) day\(abs(days) == 1 ? "" : "s"), " + text
  }

  package override func string(_ interpreter: Interpreter) throws(TemplateError) -> String { text }

  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    let parts = [("days", days), ("seconds", secondsOfDay), ("microseconds", fraction)]
      .filter { $0.1 != 0 }.map { "\($0.0)=\($0.1)" }
    return "datetime.timedelta(\(parts.isEmpty ? "0" : parts.joined(separator: ", ")))"
  }

  package override func isEqual(to other: Value) -> Bool {
    other.object(TimeDeltaObject.self)?.microseconds == microseconds
  }

  package override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(microseconds)
    return true
  }

  package override func compare(
    to other: Value,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Int?
  {
    other.object(TimeDeltaObject.self).map { order(microseconds, $0.microseconds) }
  }

  package override func negated(_ interpreter: Interpreter) throws(TemplateError) -> Value? {
    .timeDelta(-microseconds)
  }

  package override func operate(
    _ operation: BinaryOperator,
    _ other: Value,
    reversed: Bool,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    if let delta = other.object(TimeDeltaObject.self) {
      let (left, right) =
        reversed ? (delta.microseconds, microseconds) : (microseconds, delta.microseconds)
      if [.divide, .floorDivide, .modulo].contains(operation), right == 0 {
        throw .python(.zeroDivision, "integer division or modulo by zero")
      }
      switch operation {
      case .add: return try .timeDelta(checked(left.addingReportingOverflow(right)))
      case .subtract: return try .timeDelta(checked(left.subtractingReportingOverflow(right)))
      case .divide: return .float(Double(left) / Double(right))
      case .floorDivide: return .int(CalendarMath.floorDivide(left, right))
      case .modulo: return .timeDelta(CalendarMath.floorModulo(left, right))
      default: return nil
      }
    }
    if let int = other.pythonInt {
      switch operation {
      case .multiply:
        return try .timeDelta(checked(microseconds.multipliedReportingOverflow(by: int)))
      case .divide where !reversed:
        guard int != 0 else { throw .python(.zeroDivision, "division by zero") }
        return .timeDelta(roundHalfEven(Double(microseconds) / Double(int)))
      case .floorDivide where !reversed:
        guard int != 0 else { throw .python(.zeroDivision, "integer division or modulo by zero") }
        return .timeDelta(CalendarMath.floorDivide(microseconds, int))
      default: return nil
      }
    }
    if case .float(let double) = other {
      switch operation {
      case .multiply: return try .timeDelta(micros(Double(microseconds) * double))
      case .divide where !reversed:
        guard double != 0 else { throw .python(.zeroDivision, "division by zero") }
        return try .timeDelta(micros(Double(microseconds) / double))
      default: return nil
      }
    }
    return nil
  }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  {
    switch name.name {
    case "days": return .int(days)
    case "seconds": return .int(secondsOfDay)
    case "microseconds": return .int(fraction)
    case "total_seconds": return .constant("total_seconds", .float(Double(microseconds) / 1e6))
    default: return nil
    }
  }

  package override var numericValue: Value? { nil }
}

final class TimeDeltaClass: DateTypeClass {
  override var name: String { "timedelta" }
  override var methods: Set<String> { ["total_seconds"] }

  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    let units = [
      CalendarMath.microsecondsPerDay, 1_000_000, 1, 1000, 60_000_000, 3_600_000_000,
      7 * CalendarMath.microsecondsPerDay,
    ]
    let names = [
      "days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks",
    ]
    let arguments = try CallArguments("timedelta", arguments, names)
    var whole = 0
    var rest = 0.0
    for (index, unit) in units.enumerated() {
      guard let value = arguments[index] else { continue }
      if let int = value.pythonInt {
        whole = try checked(
          whole.addingReportingOverflow(checked(int.multipliedReportingOverflow(by: unit)))
        )
      } else if case .float(let double) = value {
        rest += double * Double(unit)
      } else {
        throw .typeError(
          "unsupported type for timedelta \(names[index]) component: \(value.typeName)"
        )
      }
    }
    return try .timeDelta(checked(whole.addingReportingOverflow(micros(rest))))
  }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    switch name.name {
    case "min": .timeDelta(-999_999_999 * 1_000_000)
    case "resolution": .timeDelta(1)
    default: try super.attribute(name, interpreter)
    }
  }
}
