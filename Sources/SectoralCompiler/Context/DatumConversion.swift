import BigInt
package import SectoralJinja
import SectoralPython
package import SectoralYAML

extension Value {
  /// The data as a template's value: fresh lists and dictionaries, which a template may change.
  package init(_ datum: Datum) {
    switch datum {
    case .null: self = .none
    case .bool(let bool): self = .bool(bool)
    case .int(let int): self = .int(int)
    case .bigInt(let digits): self = .integer(BigInt(digits, radix: 10) ?? 0)
    case .float(let double): self = .float(double)
    case .string(let string): self = .string(string)
    case .date(let text): self = .isoDate(text)
    case .list(let items): self = .list(items.map { Value($0) })
    case .map(let map): self = Value(map)
    }
  }

  package init(_ map: DatumMap) {
    let dict = DictValue()
    for (key, value) in map.entries { dict[key] = Value(value) }
    self = .dict(dict)
  }

  /// Without the entries that are null: the form in which templates see `model` while reading.
  package init(omittingNulls map: DatumMap) {
    let dict = DictValue()
    for (key, value) in map.entries where !value.isNull { dict[key] = Value(value) }
    self = .dict(dict)
  }
}

/// What becomes of values that data cannot hold.
package enum DatumStrictness: Sendable {
  /// They become text, as `str` gives it.
  case lenient
  /// They are the TypeError that Python's `json` raises.
  case json
  /// They are an error that names their type; dates are data.
  case yaml
}

extension Datum {
  /// A template's value as data.
  package init(
    _ value: Value,
    _ strictness: DatumStrictness = .lenient,
    _ interpreter: Interpreter,
    depth: Int = 0
  ) throws(TemplateError) {
    guard depth < 200 else { throw .valueError("Circular reference detected") }
    func list(_ items: [Value]) throws(TemplateError) -> Datum {
      var out: [Datum] = []
      out.reserveCapacity(items.count)
      for item in items { out.append(try Datum(item, strictness, interpreter, depth: depth + 1)) }
      return .list(out)
    }
    switch value {
    case .none: self = .null
    case .bool(let bool): self = .bool(bool)
    case .int(let int): self = .int(int)
    case .bigInt(let big): self = .bigInt(big.value.description)
    case .float(let double): self = .float(double)
    case .string(let string): self = .string(string)
    case .list(let items): self = try list(items.items)
    case .tuple(let items): self = try list(items.items)
    case .dict(let dict):
      var map = DatumMap()
      for (key, value) in dict.pairs {
        let text = try Datum.key(key, strictness, interpreter)
        map[text] = try Datum(value, strictness, interpreter, depth: depth + 1)
      }
      self = .map(map)
    case .set(let set):
      guard strictness != .json else { throw Datum.notSerializable(value) }
      self = try list(set.items)
    case .undefined:
      guard strictness == .lenient else { throw Datum.notSerializable(value) }
      self = .null
    case .object(let object):
      self = try Datum.init(object: object, strictness, interpreter, depth)
    }
  }

  private init(
    object: Object,
    _ strictness: DatumStrictness,
    _ interpreter: Interpreter,
    _ depth: Int
  ) throws(TemplateError) {
    if strictness != .json {
      if let date = object as? DateObject {
        self = .date(date.isoText)
        return
      }
      if let time = object as? DateTimeObject {
        self = .date(try time.isoText())
        return
      }
    }
    if object.isMapping, !(object is RelationObject), let keys = try object.iterate(interpreter) {
      var map = DatumMap()
      for key in keys {
        let value = try object.item(key, interpreter) ?? .none
        map[try Datum.key(key, strictness, interpreter)] = try Datum(
          value,
          strictness,
          interpreter,
          depth: depth + 1
        )
      }
      self = .map(map)
      return
    }
    if let iterator = object as? IteratorObject, strictness == .lenient {
      self = try Datum(.list(iterator.drained()), strictness, interpreter, depth: depth + 1)
      return
    }
    guard strictness == .lenient else { throw Datum.notSerializable(.object(object)) }
    if let decimal = object as? DecimalObject {
      self = .float(decimal.value.double)
    } else {
      self = .string(try object.string(interpreter))
    }
  }

  private static func notSerializable(_ value: Value) -> TemplateError {
    let name = value.typeName.split(separator: ".").last.map(String.init) ?? value.typeName
    return .typeError("Object of type \(name) is not JSON serializable")
  }

  /// Keys of data are text, written as JSON writes them.
  private static func key(
    _ key: Value,
    _ strictness: DatumStrictness,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> String {
    switch key {
    case .string(let text): return text
    case .bool(let bool) where strictness == .json: return bool ? "true" : "false"
    case .none where strictness == .json: return "null"
    case .int, .bigInt, .float, .bool, .none: return try interpreter.string(key)
    default:
      guard strictness == .json else { return try interpreter.string(key) }
      throw .typeError("keys must be str, int, float, bool or None, not \(key.typeName)")
    }
  }
}
