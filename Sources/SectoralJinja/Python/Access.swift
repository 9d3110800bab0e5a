/// Attributes, items, slices, iteration, truth and membership as Python has them.
extension Interpreter {
  /// `value.name`: an attribute or, failing that, an item.
  func attribute(_ symbol: Symbol, _ name: String, of value: Value) throws(TemplateError) -> Value {
    switch value {
    case .object(let object):
      try checkName(name, of: value)
      if let member = try object.attribute(symbol, self) { return member }
      if let item = try object.item(.string(name), self) { return item }
    case .dict(let dictionary):
      if let known = symbol.known, Methods.has(known, value) {
        return .object(BoundMethod(value, known))
      }
      if let item = dictionary[name] { return item }
    case .undefined(let undefined):
      try checkName(name, of: value)
      switch undefined.kind {
      case .silent: return .undefined(undefined.member(name))
      case .chainable: return value
      default: throw undefinedError(undefined)
      }
    default:
      if let known = symbol.known {
        if Methods.has(known, value) { return .object(BoundMethod(value, known)) }
        if let member = Methods.property(known, value) { return member }
      }
    }
    return try missingAttribute(name, value)
  }

  /// Refuses names like `__class__`, which Python keeps for its own machinery. What merely begins with
  /// underscores is a name like any other: packages call their inner macros so.
  @inline(__always)
  func checkName(_ name: String, of value: Value) throws(TemplateError) {
    if name.utf8.first == UInt8(ascii: "_"), name.utf8.starts(with: "__".utf8),
      name.utf8.suffix(2).elementsEqual("__".utf8)
    {
      throw unsafeAttribute(name, value)
    }
  }

  @inline(never)
  private func unsafeAttribute(_ name: String, _ value: Value) -> TemplateError {
    TemplateError(
      .security,
      id: "jinja.unsafe-attribute",
      "access to attribute '\(name)' of '\(value.typeName)' object is unsafe."
    )
  }

  private func missingAttribute(_ name: String, _ value: Value) throws(TemplateError) -> Value {
    try checkName(name, of: value)
    return .undefined(
      Undefined(
        name: name,
        kind: undefinedKind,
        cause: .attribute(of: value.describedType)
      )
    )
  }

  var undefinedKind: UndefinedKind { current?.undefined ?? environment.options.undefined }

  /// `value[key]`: an item or, for a text key, an attribute.
  func subscriptValue(_ value: Value, _ key: Value) throws(TemplateError) -> Value {
    switch value {
    case .dict(let dictionary):
      if let item = dictionary[key] { return item }
      if case .undefined(let undefined) = key, undefined.kind == .strict {
        throw undefinedError(undefined)
      }
    case .list(let list):
      if let index = key.index(in: list.items.count) { return list.items[index] }
    case .tuple(let tuple):
      if let index = key.index(in: tuple.items.count) { return tuple.items[index] }
    case .string(let text):
      if key.isInteger {
        try charge(value)
        if let character = text.character(at: key) { return .string(character) }
      }
    case .object(let object):
      if let item = try object.item(key, self) { return item }
      if case .string(let name) = key {
        try checkName(name, of: value)
        if let member = try object.attribute(try dynamicSymbol(name), self) { return member }
      }
    case .undefined(let undefined):
      switch undefined.kind {
      case .silent, .chainable: return value
      default: throw undefinedError(undefined)
      }
    default: break
    }
    if case .string(let name) = key {
      if let known = Symbol(existing: name)?.known {
        if Methods.has(known, value) { return .object(BoundMethod(value, known)) }
        if let member = Methods.property(known, value) { return member }
      }
      return try missingAttribute(name, value)
    }
    return .undefined(
      Undefined(
        name: try reprText(of: key),
        kind: undefinedKind,
        cause: .element(of: value.describedType)
      )
    )
  }

  /// The symbol of a name that a template has computed. Symbols stay for good, so new ones are paid
  /// for as if they were large.
  func dynamicSymbol(_ name: String) throws(TemplateError) -> Symbol {
    if let symbol = Symbol(existing: name) { return symbol }
    try account(bytes: 4096 &+ name.utf8.count &* 64)
    return Symbol(name)
  }

  /// Stops at a value that cannot be a key: lists and the like, and what strict undefined stand for.
  func checkHashable(_ value: Value) throws(TemplateError) {
    if case .undefined(let undefined) = value, undefined.kind == .strict {
      throw undefinedError(undefined)
    }
    try requireHashable(value)
  }

  // MARK: Slices

  func slice(
    _ value: Value,
    _ start: Value,
    _ stop: Value,
    _ step: Value
  ) throws(TemplateError)
    -> Value
  {
    if case .string = value { try charge(value) }
    let result = try part(of: value, start, stop, step)
    try account(result)
    return result
  }

  private func part(
    of value: Value,
    _ start: Value,
    _ stop: Value,
    _ step: Value
  ) throws(TemplateError)
    -> Value
  {
    switch value {
    case .list(let list):
      let indexes = try sliceIndexes(list.items.count, start, stop, step)
      return .list(ListValue(indexes.map { list.items[$0] }))
    case .tuple(let tuple):
      let indexes = try sliceIndexes(tuple.items.count, start, stop, step)
      return .tuple(TupleValue(indexes.map { tuple.items[$0] }))
    case .string(let text): return .string(try slice(text, start, stop, step))
    case .object(let object):
      if let range = object as? RangeValue {
        let indexes = try sliceIndexes(range.count, start, stop, step)
        return .object(range.sliced(indexes))
      }
      if let markup = object as? MarkupValue {
        return .object(MarkupValue(try slice(markup.text, start, stop, step)))
      }
      if let items = try object.iterate(self), object.isSequence {
        let indexes = try sliceIndexes(items.count, start, stop, step)
        return .list(ListValue(indexes.map { items[$0] }))
      }
    case .undefined(let undefined):
      if undefined.kind == .silent || undefined.kind == .chainable { return value }
      throw undefinedError(undefined)
    case .dict: throw .type("unhashable type: 'slice'")
    default: break
    }
    throw .type("'\(value.typeName)' object is not subscriptable")
  }

  private func slice(
    _ text: String,
    _ start: Value,
    _ stop: Value,
    _ step: Value
  )
    throws(TemplateError) -> String
  {
    if text.isASCIIText {
      if case .none = step { return text.text(in: try sliceBounds(text.utf8.count, start, stop)) }
      let bytes = Array(text.utf8)
      let indexes = try sliceIndexes(bytes.count, start, stop, step)
      return String(decoding: indexes.map { bytes[$0] }, as: UTF8.self)
    }
    let scalars = Array(text.unicodeScalars)
    let indexes = try sliceIndexes(scalars.count, start, stop, step)
    return String(String.UnicodeScalarView(indexes.map { scalars[$0] }))
  }

  private func sliceBound(
    _ value: Value,
    _ count: Int,
    default position: Int,
    _ low: Int,
    _ high: Int
  )
    throws(TemplateError) -> Int
  {
    switch value {
    case .none: return position
    case .int(let index): return min(max(index < 0 ? index + count : index, low), high)
    case .bool(let bool): return min(max(bool ? 1 : 0, low), high)
    case .bigInt(let big): return big.value < 0 ? low : high
    default:
      throw .type("slice indices must be integers or None or have an __index__ method")
    }
  }

  private func sliceBounds(
    _ count: Int,
    _ start: Value,
    _ stop: Value
  ) throws(TemplateError)
    -> Range<Int>
  {
    let low = try sliceBound(start, count, default: 0, 0, count)
    let high = try sliceBound(stop, count, default: count, 0, count)
    return low..<max(low, high)
  }

  private func sliceIndexes(
    _ count: Int,
    _ start: Value,
    _ stop: Value,
    _ step: Value
  )
    throws(TemplateError) -> [Int]
  {
    let stride: Int
    switch step {
    case .none: return Array(try sliceBounds(count, start, stop))
    case .int(let step): stride = step
    case .bool(let bool): stride = bool ? 1 : 0
    case .bigInt(let big): stride = big.value < 0 ? -Int.max : Int.max
    default:
      throw .type("slice indices must be integers or None or have an __index__ method")
    }
    guard stride != 0 else { throw .value("slice step cannot be zero") }
    if stride == 1 { return Array(try sliceBounds(count, start, stop)) }
    var result: [Int] = []
    if stride > 0 {
      var index = try sliceBound(start, count, default: 0, 0, count)
      let end = try sliceBound(stop, count, default: count, 0, count)
      while index < end {
        result.append(index)
        let (next, overflow) = index.addingReportingOverflow(stride)
        if overflow { break }
        index = next
      }
    } else {
      var index = try sliceBound(start, count, default: count - 1, -1, count - 1)
      let end = try sliceBound(stop, count, default: -1, -1, count - 1)
      while index > end {
        result.append(index)
        let (next, overflow) = index.addingReportingOverflow(stride)
        if overflow { break }
        index = next
      }
    }
    return result
  }

  // MARK: Iteration

  /// The items of anything iterable, as Python's `iter` would give them.
  func items(of value: Value) throws(TemplateError) -> [Value] {
    switch value {
    case .list(let list): return list.items
    case .tuple(let tuple): return tuple.items
    case .dict(let dictionary): return dictionary.keys
    case .set(let set): return set.items
    case .string(let text):
      try account(bytes: text.utf8.count &* 24)
      return text.unicodeScalars.map { .string(String($0)) }
    case .object(let object):
      if let items = try object.iterate(self) {
        try account(bytes: items.count &* 24)
        return items
      }
    case .undefined(let undefined):
      if undefined.kind != .strict { return [] }
      throw undefinedError(undefined)
    default: break
    }
    throw .type("'\(value.typeName)' object is not iterable")
  }

  // MARK: Truth, length, membership

  func truth(_ value: Value) throws(TemplateError) -> Bool {
    switch value {
    case .bool(let bool): return bool
    case .string(let text): return !text.isEmpty
    case .none: return false
    case .int(let int): return int != 0
    case .list(let list): return !list.items.isEmpty
    case .dict(let dictionary): return dictionary.count != 0
    case .tuple(let tuple): return !tuple.items.isEmpty
    case .set(let set): return set.count != 0
    case .float(let double): return double != 0
    case .bigInt: return true
    case .object(let object): return object.isTrue
    case .undefined(let undefined):
      if undefined.kind == .strict { throw undefinedError(undefined) }
      return false
    }
  }

  func length(of value: Value) throws(TemplateError) -> Int {
    switch value {
    case .string(let text): return text.scalarCount
    case .list(let list): return list.items.count
    case .tuple(let tuple): return tuple.items.count
    case .dict(let dictionary): return dictionary.count
    case .set(let set): return set.count
    case .object(let object):
      if let length = object.length { return length }
    case .undefined(let undefined):
      if undefined.kind != .strict { return 0 }
      throw undefinedError(undefined)
    default: break
    }
    throw .type("object of type '\(value.typeName)' has no len()")
  }

  /// `needle in container`
  func contains(_ container: Value, _ needle: Value) throws(TemplateError) -> Bool {
    if case .undefined(let undefined) = needle, undefined.kind == .strict {
      // Where the items would be compared with it.
      switch container {
      case .list, .tuple, .dict, .set, .object: throw undefinedError(undefined)
      default: break
      }
    }
    switch container {
    case .string(let text):
      guard let part = needle.text else {
        throw .type("'in <string>' requires string as left operand, not \(needle.typeName)")
      }
      try charge(container)
      return text.find(part, in: 0..<text.utf8.count) != nil
    case .list(let list):
      try charge(container)
      return try contains(list.items, needle)
    case .tuple(let tuple):
      try charge(container)
      return try contains(tuple.items, needle)
    case .dict(let dictionary):
      try requireHashable(needle)
      return dictionary.position(of: needle) != nil
    case .set(let set):
      try requireHashable(needle)
      return set.contains(needle)
    case .object(let object):
      if let answer = try object.contains(needle, self) { return answer }
      if let items = try object.iterate(self) {
        try countSteps(items.count)
        return try contains(items, needle)
      }
    case .undefined(let undefined):
      if undefined.kind != .strict { return false }
      throw undefinedError(undefined)
    default: break
    }
    throw .type("argument of type '\(container.typeName)' is not iterable")
  }
}

extension Value {
  var isInteger: Bool {
    switch self {
    case .int, .bool, .bigInt: true
    default: false
    }
  }

  /// The integer of an index or count, where it fits.
  var asInt: Int? {
    switch self {
    case .int(let int): int
    case .bool(let bool): bool ? 1 : 0
    default: nil
    }
  }

  /// The position an index means, from the end when negative; nil outside.
  func index(in count: Int) -> Int? {
    guard let index = asInt else { return nil }
    let position = index < 0 ? index + count : index
    return position >= 0 && position < count ? position : nil
  }
}
