import BigInt

/// Methods of Python's built-in types.
enum Methods {
  /// Whether a value of this type has the method.
  static func has(_ name: KnownName, _ value: Value) -> Bool {
    switch value {
    case .string: StringMethods.has(name)
    case .list: ListMethods.hasList(name)
    case .tuple: name == .count || name == .index
    case .dict: DictMethods.has(name)
    case .set: SetMethods.has(name)
    case .int, .bigInt, .bool: NumberMethods.hasInt(name)
    case .float: NumberMethods.hasFloat(name)
    default: false
    }
  }

  static func call(
    _ name: KnownName,
    _ value: Value,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    // What a method costs grows with the receiver and the arguments, but for a few.
    switch name {
    case .append, .extend, .add, .get, .items, .keys, .values, .setdefault, .update, .popitem,
      .startswith, .endswith, .removeprefix:
      break
    case .pop where arguments.positional.isEmpty: break
    default: try interpreter.charge(value)
    }
    for argument in arguments.positional { try interpreter.charge(argument) }
    let result = try perform(name, value, arguments, interpreter)
    try interpreter.account(result)
    return result
  }

  private static func perform(
    _ name: KnownName,
    _ value: Value,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    switch value {
    case .string(let text): try StringMethods.call(name, text, arguments, interpreter)
    case .list(let list): try ListMethods.call(name, list, arguments, interpreter)
    case .tuple(let tuple): try ListMethods.call(name, tuple, arguments, interpreter)
    case .dict(let dictionary): try DictMethods.call(name, dictionary, arguments, interpreter)
    case .set(let set): try SetMethods.call(name, set, arguments, interpreter)
    default: try NumberMethods.call(name, value, arguments, interpreter)
    }
  }

  /// Attributes that are no methods.
  static func property(_ name: KnownName, _ value: Value) -> Value? {
    switch (name, value) {
    case (.real, .int), (.real, .float), (.real, .bigInt), (.numerator, .int),
      (.numerator, .bigInt):
      value
    case (.real, .bool(let bool)), (.numerator, .bool(let bool)): .int(bool ? 1 : 0)
    case (.imag, .int), (.imag, .bool), (.imag, .bigInt): .int(0)
    case (.imag, .float): .float(0)
    case (.denominator, .int), (.denominator, .bool), (.denominator, .bigInt): .int(1)
    default: nil
    }
  }
}

/// A method taken as a value: `{% set add = items.append %}`.
final class BoundMethod: Object {
  private let receiver: Value
  private let method: KnownName

  init(_ receiver: Value, _ method: KnownName) {
    self.receiver = receiver
    self.method = method
  }

  override var typeName: String { "builtin_function_or_method" }
  override var isCallable: Bool { true }
  override var takesMarkup: Bool { if case .string = receiver { false } else { true } }

  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    try Methods.call(method, receiver, arguments, interpreter)
  }

  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "<built-in method \(method) of \(receiver.typeName) object>"
  }
}

extension Arguments {
  /// The arguments of a method that takes no keywords.
  func positional(
    _ name: @autoclosure () -> String,
    _ range: ClosedRange<Int>
  ) throws(TemplateError) -> [Value] {
    guard keyword.isEmpty else {
      throw .type("\(name())() takes no keyword arguments")
    }
    guard range.contains(positional.count) else {
      // The three ways in which Python's own functions say it.
      let method = name()
      let given = positional.count
      if range == 0...0 { throw .type("\(method)() takes no arguments (\(given) given)") }
      if range == 1...1 {
        throw .type("\(method)() takes exactly one argument (\(given) given)")
      }
      let isFew = given < range.lowerBound
      let bound = isFew ? range.lowerBound : range.upperBound
      let words = range.count == 1 ? "" : isFew ? "at least " : "at most "
      throw .type(
        "\(method) expected \(words)\(bound) argument\(bound == 1 ? "" : "s"), got \(given)"
      )
    }
    return positional
  }
}

extension Value {
  func expectInt(_ what: String = "") throws(TemplateError) -> Int {
    switch self {
    case .int(let int): return int
    case .bool(let bool): return bool ? 1 : 0
    case .bigInt: throw .overflow("Python int too large to convert to C ssize_t")
    default: throw .type("'\(typeName)' object cannot be interpreted as an integer")
    }
  }

  func expectString(_ message: @autoclosure () -> String) throws(TemplateError) -> String {
    guard let text else { throw .type(message()) }
    return text
  }
}

/// `list` and `tuple`.
enum ListMethods {
  static func hasList(_ name: KnownName) -> Bool {
    switch name {
    case .append, .clear, .copy, .count, .extend, .index, .insert, .pop, .remove, .reverse, .sort:
      true
    default: false
    }
  }

  static func call(
    _ name: KnownName,
    _ list: ListValue,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    switch name {
    case .append:
      let value = try arguments.positional("list.append", 1...1)[0]
      try interpreter.account(bytes: 24)
      list.items.append(value)
    case .clear:
      _ = try arguments.positional("list.clear", 0...0)
      list.items = []
    case .copy:
      _ = try arguments.positional("list.copy", 0...0)
      return .list(ListValue(list.items))
    case .extend:
      let value = try arguments.positional("list.extend", 1...1)[0]
      let items = try interpreter.items(of: value)
      try interpreter.checkItems(list.items.count + items.count)
      try interpreter.account(bytes: items.count &* 24)
      list.items += items
    case .insert:
      let values = try arguments.positional("insert", 2...2)
      let index = try values[0].expectInt()
      let count = list.items.count
      try interpreter.account(bytes: 24)
      list.items.insert(values[1], at: min(max(index < 0 ? index + count : index, 0), count))
    case .pop:
      let values = try arguments.positional("pop", 0...1)
      guard !list.items.isEmpty else {
        throw TemplateError(.index, id: "jinja.index-error", "pop from empty list")
      }
      let key = values.first ?? .int(-1)
      _ = try key.expectInt()
      guard let index = key.index(in: list.items.count) else {
        throw TemplateError(.index, id: "jinja.index-error", "pop index out of range")
      }
      return list.items.remove(at: index)
    case .remove:
      let value = try arguments.positional("list.remove", 1...1)[0]
      guard let index = try interpreter.firstIndex(of: value, in: list.items) else {
        throw .value("list.remove(x): x not in list")
      }
      list.items.remove(at: index)
    case .reverse:
      _ = try arguments.positional("list.reverse", 0...0)
      list.items.reverse()
    case .sort:
      guard arguments.positional.isEmpty else {
        throw .type("sort() takes no positional arguments")
      }
      let values = try arguments.bound("sort", ["key", "reverse"])
      let isReversed = try (values[1] ?? .bool(false)).expectInt() != 0
      list.items = try Sorting.sorted(
        list.items,
        reverse: isReversed,
        interpreter
      ) { (item) throws(TemplateError) in
        guard let key = values[0], !key.isNone else { return item }
        return try interpreter.callValue(key, Arguments([item]))
      }
    default: return try shared(name, list.items, "list", arguments, interpreter)
    }
    return .none
  }

  static func call(
    _ name: KnownName,
    _ tuple: TupleValue,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    try shared(name, tuple.items, "tuple", arguments, interpreter)
  }

  private static func shared(
    _ name: KnownName,
    _ items: [Value],
    _ type: String,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    if name == .count {
      let value = try arguments.positional("\(type).count", 1...1)[0]
      var count = 0
      for item in items where try interpreter.areEqual(item, value) { count += 1 }
      return .int(count)
    }
    let values = try arguments.positional("index", 1...3)
    var start = values.count > 1 ? try values[1].expectInt() : 0
    var stop = values.count > 2 ? try values[2].expectInt() : items.count
    if start < 0 { start = max(0, start + items.count) }
    if stop < 0 { stop = max(0, stop + items.count) }
    stop = min(stop, items.count)
    var index = start
    while index < stop {
      if try interpreter.areEqual(items[index], values[0]) { return .int(index) }
      index += 1
    }
    throw .value(
      type == "tuple" ? "tuple.index(x): x not in tuple" : "\(shown(values[0])) is not in list"
    )
  }

  private static func shown(_ value: Value) -> String {
    switch value {
    case .string(let text): "'\(text)'"
    case .int(let int): String(int)
    default: value.typeName
    }
  }
}

/// A stable sort with Python's comparison, which may fail.
///
/// `tiesUndefined`: undefined keys equal each other instead of having no order.
enum Sorting {
  static func sorted(
    _ items: [Value],
    reverse: Bool,
    _ interpreter: Interpreter,
    tiesUndefined: Bool = false,
    by key: (Value) throws(TemplateError) -> Value
  ) throws(TemplateError) -> [Value] {
    var keys: [Value] = []
    keys.reserveCapacity(items.count)
    for item in items { keys.append(try key(item)) }
    var failure: TemplateError?
    // Ties keep their order, in reverse too.
    let order = items.indices.sorted { a, b in
      guard failure == nil else { return a < b }
      if tiesUndefined, keys[a].isUndefined, keys[b].isUndefined { return a < b }
      do throws(TemplateError) {
        let result = try interpreter.order(keys[a], keys[b], operator: "<")
        if result == 0 || result == 2 { return a < b }
        return reverse ? result > 0 : result < 0
      } catch {
        failure = error
        return a < b
      }
    }
    if let failure { throw failure }
    return order.map { items[$0] }
  }
}

/// `dict`.
enum DictMethods {
  static func has(_ name: KnownName) -> Bool {
    switch name {
    case .clear, .copy, .fromkeys, .get, .items, .keys, .pop, .popitem, .setdefault, .update,
      .values:
      true
    default: false
    }
  }

  static func call(
    _ name: KnownName,
    _ dictionary: DictValue,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    switch name {
    case .clear:
      _ = try arguments.positional("dict.clear", 0...0)
      dictionary.removeAll()
      return .none
    case .copy:
      _ = try arguments.positional("dict.copy", 0...0)
      return .dict(DictValue(copying: dictionary))
    case .get:
      let values = try arguments.positional("get", 1...2)
      try interpreter.requireHashable(values[0])
      return dictionary[values[0]] ?? (values.count > 1 ? values[1] : .none)
    case .items, .keys, .values:
      _ = try arguments.positional("dict.\(name)", 0...0)
      return .object(
        DictView(dictionary, name == .items ? .items : name == .keys ? .keys : .values)
      )
    case .pop:
      let values = try arguments.positional("pop", 1...2)
      try interpreter.requireHashable(values[0])
      if let position = dictionary.position(of: values[0]) {
        let value = dictionary.values[position]
        dictionary.remove(at: position)
        return value
      }
      guard values.count > 1 else {
        throw TemplateError(
          .key,
          id: "jinja.key-error",
          try interpreter.reprText(of: values[0])
        )
      }
      return values[1]
    case .popitem:
      _ = try arguments.positional("dict.popitem", 0...0)
      guard dictionary.count > 0 else {
        throw TemplateError(.key, id: "jinja.key-error", "'popitem(): dictionary is empty'")
      }
      let last = dictionary.count - 1
      let pair = Value.tuple([dictionary.key(at: last), dictionary.values[last]])
      dictionary.remove(at: last)
      return pair
    case .setdefault:
      let values = try arguments.positional("setdefault", 1...2)
      try interpreter.requireHashable(values[0])
      if let value = dictionary[values[0]] { return value }
      let value = values.count > 1 ? values[1] : Value.none
      try interpreter.account(bytes: 64)
      dictionary[values[0]] = value
      return value
    case .update:
      guard arguments.positional.count <= 1 else {
        throw .type("update expected at most 1 argument, got \(arguments.positional.count)")
      }
      if let other = arguments.positional.first { try update(dictionary, with: other, interpreter) }
      for (name, value) in arguments.keyword { dictionary[name] = value }
      return .none
    default:
      let values = try arguments.positional("fromkeys", 1...2)
      let result = DictValue()
      for key in try interpreter.items(of: values[0]) {
        try interpreter.requireHashable(key)
        result[key] = values.count > 1 ? values[1] : Value.none
      }
      return .dict(result)
    }
  }

  /// Takes over the pairs of a mapping, or of an iterable of pairs.
  static func update(
    _ dictionary: DictValue,
    with other: Value,
    _ interpreter: Interpreter
  )
    throws(TemplateError)
  {
    switch other {
    case .dict(let source):
      try interpreter.account(bytes: source.count &* 64)
      for (key, value) in source.pairs { dictionary[key] = value }
    case .undefined(let undefined):
      if undefined.kind != .silent { throw interpreter.undefinedError(undefined) }
    case .object(let object) where object.isMapping:
      for key in try object.iterate(interpreter) ?? [] {
        dictionary[key] = try object.item(key, interpreter) ?? Value.none
      }
    default:
      for (index, item) in try interpreter.items(of: other).enumerated() {
        let pair: [Value]
        switch item {
        case .int, .none, .bool, .float, .bigInt:
          throw .type(
            "cannot convert dictionary update sequence element #\(index) to a sequence"
          )
        default: pair = try interpreter.items(of: item)
        }
        guard pair.count == 2 else {
          throw .value(
            "dictionary update sequence element #\(index) has length \(pair.count); "
              + "2 is required"
          )
        }
        try interpreter.requireHashable(pair[0])
        try interpreter.account(bytes: 64)
        dictionary[pair[0]] = pair[1]
      }
    }
  }
}

/// `dict.items()`, `dict.keys()`, `dict.values()`: a view that follows the dictionary.
final class DictView: Object {
  enum Kind { case items, keys, values }

  let dictionary: DictValue
  private let kind: Kind

  init(_ dictionary: DictValue, _ kind: Kind) {
    self.dictionary = dictionary
    self.kind = kind
  }

  override var typeName: String {
    switch kind {
    case .items: "dict_items"
    case .keys: "dict_keys"
    case .values: "dict_values"
    }
  }

  override func iterate(_ interpreter: Interpreter) throws(TemplateError) -> [Value]? {
    switch kind {
    case .items: dictionary.pairs.map { .tuple(TupleValue([$0.key, $0.value])) }
    case .keys: dictionary.keys
    case .values: dictionary.values
    }
  }

  override var length: Int? { dictionary.count }
  override var isSequence: Bool { false }

  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "\(typeName)(" + (try interpreter.reprText(of: .list(try iterate(interpreter) ?? []))) + ")"
  }

  /// Keys and items are sets in what they can be compared with.
  private var items: [Value]? {
    switch kind {
    case .items: dictionary.pairs.map { .tuple(TupleValue([$0.key, $0.value])) }
    case .keys: dictionary.keys
    case .values: nil
    }
  }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    switch name.known {
    case .mapping: return .dict(dictionary)
    case .isdisjoint:
      guard let items else { return nil }
      return .function("isdisjoint") { (arguments, interpreter) throws(TemplateError) in
        let other = try interpreter.items(of: arguments.positional("isdisjoint", 1...1)[0])
        try interpreter.countSteps(items.count &* other.count >> 3)
        for item in other {
          try interpreter.checkHashable(item)
          if items.contains(where: { $0.isEqual(to: item) }) { return .bool(false) }
        }
        return .bool(true)
      }
    default: return nil
    }
  }

  override func operate(
    _ operation: BinaryOperator,
    _ other: Value,
    reversed: Bool,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    guard operation == .subtract, let items else { return nil }
    let left = reversed ? try interpreter.items(of: other) : items
    let right = reversed ? items : try interpreter.items(of: other)
    for item in left { try interpreter.requireHashable(item) }
    try interpreter.countSteps(left.count &* right.count >> 3)
    return .set(SetValue(left.filter { item in !right.contains { $0.isEqual(to: item) } }))
  }

  override func compare(
    to other: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Int? {
    guard let a = items else { return nil }
    let b: [Value]
    switch other {
    case .set(let set): b = set.items
    case .object(let object):
      guard let items = (object as? DictView)?.items else { return nil }
      b = items
    default: return nil
    }
    let isSubset = a.allSatisfy { item in b.contains { $0.isEqual(to: item) } }
    let isSuperset = b.allSatisfy { item in a.contains { $0.isEqual(to: item) } }
    return isSubset ? (isSuperset ? 0 : -1) : isSuperset ? 1 : 2
  }

  override func isEqual(to other: Value) -> Bool {
    let theirs: [Value]
    switch other {
    case .set(let set): theirs = set.items
    case .object(let object):
      if object === self { return true }
      guard let items = (object as? DictView)?.items else { return false }
      theirs = items
    default: return false
    }
    guard let items, items.count == theirs.count else { return false }
    return items.allSatisfy { item in theirs.contains { $0.isEqual(to: item) } }
  }

  override func hash(into hasher: inout Hasher) -> Bool { false }
}

/// `set`.
enum SetMethods {
  static func has(_ name: KnownName) -> Bool {
    switch name {
    case .add, .clear, .copy, .difference, .difference_update, .discard, .intersection,
      .intersection_update, .isdisjoint, .issubset, .issuperset, .pop, .remove,
      .symmetric_difference, .symmetric_difference_update, .union, .update:
      true
    default: false
    }
  }

  static func call(
    _ name: KnownName,
    _ set: SetValue,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    func one() throws(TemplateError) -> Value {
      let value = try arguments.positional("set.\(name)", 1...1)[0]
      return value
    }
    func hashable() throws(TemplateError) -> Value {
      let value = try one()
      try interpreter.requireHashable(value)
      return value
    }
    func others() throws(TemplateError) -> [SetValue] {
      var sets: [SetValue] = []
      for value in arguments.positional { sets.append(try makeSet(value, interpreter)) }
      return sets
    }
    func replace(_ items: [Value]) {
      set.removeAll()
      for item in items { set.insert(item) }
    }
    switch name {
    case .add:
      try interpreter.account(bytes: 40)
      set.insert(try hashable())
    case .clear: set.removeAll()
    case .copy: return .set(SetValue(set.items))
    case .discard: set.remove(try hashable())
    case .remove:
      let value = try hashable()
      guard set.remove(value) else {
        throw TemplateError(.key, id: "jinja.key-error", try interpreter.reprText(of: value))
      }
    case .pop:
      guard let first = set.items.first else {
        throw TemplateError(.key, id: "jinja.key-error", "'pop from an empty set'")
      }
      set.remove(first)
      return first
    case .union, .update:
      let result = SetValue(set.items)
      for other in try others() { for item in other.items { result.insert(item) } }
      if name == .union { return .set(result) }
      replace(result.items)
    case .difference, .difference_update:
      let sets = try others()
      let items = set.items.filter { item in !sets.contains { $0.contains(item) } }
      if name == .difference { return .set(SetValue(items)) }
      replace(items)
    case .intersection, .intersection_update:
      let sets = try others()
      let items = set.items.filter { item in sets.allSatisfy { $0.contains(item) } }
      if name == .intersection { return .set(SetValue(items)) }
      replace(items)
    case .symmetric_difference, .symmetric_difference_update:
      let other = try makeSet(try one(), interpreter)
      let items =
        set.items.filter { !other.contains($0) } + other.items.filter { !set.contains($0) }
      if name == .symmetric_difference { return .set(SetValue(items)) }
      replace(items)
    case .isdisjoint:
      let other = try makeSet(try one(), interpreter)
      return .bool(!set.items.contains { other.contains($0) })
    case .issubset:
      let other = try makeSet(try one(), interpreter)
      return .bool(set.items.allSatisfy { other.contains($0) })
    default:
      let other = try makeSet(try one(), interpreter)
      return .bool(other.items.allSatisfy { set.contains($0) })
    }
    return .none
  }

  static func makeSet(_ value: Value, _ interpreter: Interpreter) throws(TemplateError) -> SetValue
  {
    if case .set(let set) = value { return set }
    let result = SetValue([])
    for item in try interpreter.items(of: value) {
      try interpreter.requireHashable(item)
      result.insert(item)
    }
    return result
  }
}

/// `int`, `bool` and `float`.
enum NumberMethods {
  static func hasInt(_ name: KnownName) -> Bool {
    switch name {
    case .bit_length, .bit_count, .conjugate, .as_integer_ratio: true
    default: false
    }
  }

  static func hasFloat(_ name: KnownName) -> Bool {
    switch name {
    case .is_integer, .conjugate, .as_integer_ratio, .hex: true
    default: false
    }
  }

  static func call(
    _ name: KnownName,
    _ value: Value,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    _ = try arguments.positional("\(value.typeName).\(name)", 0...0)
    switch (name, value.number) {
    case (.bit_length, let number?): return .int(number.big.magnitude.bitWidth)
    case (.bit_count, let number?):
      return .int(number.big.magnitude.words.reduce(0) { $0 + $1.nonzeroBitCount })
    case (.is_integer, .float(let double)?):
      return .bool(double.isFinite && double == double.rounded())
    case (.as_integer_ratio, .float(let double)?):
      guard double.isFinite else {
        throw .overflow("cannot convert Infinity or NaN to integer ratio")
      }
      var denominator = BigInt(1)
      var numerator = double
      while numerator != numerator.rounded() {
        numerator *= 2
        denominator *= 2
      }
      return .tuple([.integer(BigInt(numerator)), .integer(denominator)])
    case (.as_integer_ratio, let number?): return .tuple([.integer(number.big), .int(1)])
    case (.hex, .float(let double)?): return .string(hexadecimal(double))
    case (_, .int(let int)?): return .int(int)
    default: return value
    }
  }

  private static func hexadecimal(_ double: Double) -> String {
    guard double.isFinite else { return PythonFloat.repr(double) }
    let sign = double.sign == .minus ? "-" : ""
    if double == 0 { return sign + "0x0.0p+0" }
    let digits = String(double.significandBitPattern, radix: 16)
    let padded = String(repeating: "0", count: 13 - digits.count) + digits
    let exponent = double.isNormal ? Int(double.exponent) : -1022
    return "\(sign)0x\(double.isNormal ? 1 : 0).\(padded)p\(exponent < 0 ? "-" : "+")"
      + String(exponent.magnitude)
  }
}
