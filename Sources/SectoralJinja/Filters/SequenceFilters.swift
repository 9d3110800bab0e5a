extension BuiltinFilters {
  static func addSequenceFilters(_ table: inout FilterTable) {
    table.add(["default", "d"], ["default_value", "boolean"], markup: .itself) {
      (value, arguments, interpreter) throws(TemplateError) in
      var isMissing = value.isUndefined
      if !isMissing, try interpreter.flag(arguments[1]) {
        isMissing = try !interpreter.truth(value)
      }
      return isMissing ? arguments[0] ?? .string("") : value
    }
    table.add(["length", "count"]) { (value, arguments, interpreter) throws(TemplateError) in
      .int(try interpreter.length(of: value))
    }
    table.add(["list"]) { (value, arguments, interpreter) throws(TemplateError) in
      .list(ListValue(try interpreter.items(of: value)))
    }
    table.add(["items"]) { (value, arguments, interpreter) throws(TemplateError) in
      generator { (interpreter) throws(TemplateError) in
        switch value {
        case .undefined: return []
        case .dict(let dictionary): return dictionary.pairs.map { .tuple([$0.key, $0.value]) }
        case .object(let object) where object.isMapping:
          return try pairs(object, interpreter).map { .tuple([$0, $1]) }
        default: throw .type("Can only get item pairs from a mapping.")
        }
      }
    }
    table.add(["first"]) { (value, arguments, interpreter) throws(TemplateError) in
      if case .object(let object) = value, object.isIterator {
        return try object.next(interpreter)
          ?? empty("No first item, sequence was empty.", interpreter)
      }
      return try interpreter.items(of: value).first
        ?? empty("No first item, sequence was empty.", interpreter)
    }
    table.add(["last"], markup: .kept) {
      (value, arguments, interpreter) throws(TemplateError) in
      try reversible(value)
      return try interpreter.items(of: value).last
        ?? empty("No last item, sequence was empty.", interpreter)
    }
    table.add(["random"]) { (value, arguments, interpreter) throws(TemplateError) in
      try interpreter.items(of: value).randomElement()
        ?? empty("No random item, sequence was empty.", interpreter)
    }
    table.add(["reverse"], markup: .kept) {
      (value, arguments, interpreter) throws(TemplateError) in
      if case .string(let text) = value {
        return .string(String(String.UnicodeScalarView(text.unicodeScalars.reversed())))
      }
      switch value {
      case .int, .float, .bool, .none, .bigInt:
        throw .filterArgument("argument must be iterable")
      case .set: return .list(Array(try interpreter.items(of: value).reversed()))
      case .object(let object) where !object.isSequence && !(object is DictView):
        return .list(Array(try interpreter.items(of: value).reversed()))
      default: break
      }
      return .object(
        GeneratorValue(
          try interpreter.items(of: value).reversed(),
          label: "list_reverseiterator"
        )
      )
    }
    table.add(["join"], ["d", "attribute"], markup: .itself) {
      (value, arguments, interpreter) throws(TemplateError) in
      var items = try interpreter.items(of: value)
      if let attribute = arguments[1], !attribute.isNone {
        let path = try interpreter.path(attribute)
        for index in items.indices {
          items[index] = try interpreter.value(at: path, of: items[index], default: nil)
        }
      }
      if interpreter.escapes, arguments[0]?.isMarkup == true || items.contains(where: \.isMarkup) {
        var parts: [String] = []
        for item in items { parts.append(try interpreter.escapedText(of: item)) }
        let separator = try interpreter.escapedText(of: arguments[0] ?? .string(""))
        return interpreter.markup(try interpreter.joined(parts, separator: separator))
      }
      let output = interpreter.output
      let mark = output.count
      do throws(TemplateError) {
        let separator =
          try arguments[0].map { (value) throws(TemplateError) in
            try interpreter.soft(value)
          } ?? ""
        for index in items.indices {
          if index > 0 { output.append(separator) }
          try interpreter.countStep()
          try interpreter.write(items[index])
        }
      } catch {
        output.truncate(to: mark)
        throw error
      }
      return .string(output.take(from: mark))
    }
    table.add(["attr"], ["name"], required: 1, markup: .itself) {
      (value, arguments, interpreter) throws(TemplateError) in
      let name = try interpreter.soft(arguments[0] ?? .none)
      if case .dict = value {
        try interpreter.checkName(name, of: value)
        let symbol = Symbol(name)
        if let known = symbol.known, Methods.has(known, value) {
          return .object(BoundMethod(value, known))
        }
        return .undefined(
          Undefined(
            name: name,
            kind: interpreter.undefinedKind,
            cause: .attribute(of: value.describedType)
          )
        )
      }
      return try interpreter.attribute(Symbol(name), name, of: value)
    }
    table.add(["sum"], ["attribute", "start"]) {
      (value, arguments, interpreter) throws(TemplateError) in
      let path = try interpreter.path(arguments[0] ?? .none)
      var result = arguments[1] ?? .int(0)
      for item in try interpreter.items(of: value) {
        result = try interpreter.arithmetic(
          .add,
          result,
          interpreter.value(at: path, of: item, default: nil)
        )
      }
      return result
    }
    for (name, wanted) in [("min", -1), ("max", 1)] {
      table.add([name], ["case_sensitive", "attribute"]) {
        (value, arguments, interpreter) throws(TemplateError) in
        let matters = try interpreter.flag(arguments[0])
        let path = try interpreter.path(arguments[1] ?? .none)
        var best: (item: Value, key: Value)?
        for item in try interpreter.items(of: value) {
          var key = try interpreter.value(at: path, of: item, default: nil)
          if !matters { key = interpreter.ignoringCase(key) }
          guard let current = best else {
            best = (item, key)
            continue
          }
          let order = try interpreter.order(
            key,
            current.key,
            operator: wanted < 0 ? "<" : ">"
          )
          if order == wanted { best = (item, key) }
        }
        return best?.item ?? empty("No aggregated item, sequence was empty.", interpreter)
      }
    }
    table.add(["sort"], ["reverse", "case_sensitive", "attribute"]) {
      (value, arguments, interpreter) throws(TemplateError) in
      let items = try interpreter.items(of: value)
      let reverse = try (arguments[0] ?? .bool(false)).expectInt() != 0
      let matters = try interpreter.flag(arguments[1])
      let paths = try sortPaths(arguments[2], interpreter)
      let sorted = try Sorting.sorted(
        items,
        reverse: reverse,
        interpreter,
        tiesUndefined: interpreter.undefinedKind != .strict
      ) { (item) throws(TemplateError) in
        var keys: [Value] = []
        for path in paths {
          let key = try interpreter.value(at: path, of: item, default: nil)
          keys.append(matters ? key : interpreter.ignoringCase(key))
        }
        return keys.count == 1 ? keys[0] : .list(keys)
      }
      return .list(ListValue(sorted))
    }
    table.add(["dictsort"], ["case_sensitive", "by", "reverse"]) {
      (value, arguments, interpreter) throws(TemplateError) in
      let matters = try interpreter.flag(arguments[0])
      let by =
        try arguments[1].map { (value) throws(TemplateError) in
          try interpreter.soft(value)
        } ?? "key"
      guard by == "key" || by == "value" else {
        throw .filterArgument("You can only sort by either \"key\" or \"value\"")
      }
      let items: [Value]
      switch value {
      case .dict(let dictionary): items = dictionary.pairs.map { .tuple([$0.key, $0.value]) }
      case .object(let object) where object.isMapping:
        items = try pairs(object, interpreter).map { .tuple([$0, $1]) }
      case .undefined(let undefined): throw interpreter.undefinedError(undefined)
      default:
        throw TemplateError(
          .attribute,
          id: "jinja.attribute-error",
          "'\(value.typeName)' object has no attribute 'items'"
        )
      }
      let sorted = try Sorting.sorted(
        items,
        reverse: (arguments[2] ?? .bool(false)).expectInt() != 0,
        interpreter
      ) { (item) throws(TemplateError) in
        let key = try interpreter.subscriptValue(item, .int(by == "key" ? 0 : 1))
        return matters ? key : interpreter.ignoringCase(key)
      }
      return .list(ListValue(sorted))
    }
    table.add(["unique"], ["case_sensitive", "attribute"]) {
      (value, arguments, interpreter) throws(TemplateError) in
      let matters = try interpreter.flag(arguments[0])
      let path = try interpreter.path(arguments[1] ?? .none)
      return generator(over: value) { (interpreter) throws(TemplateError) in
        let seen = SetValue([])
        let body: ItemBody = { (item, interpreter) throws(TemplateError) in
          var key = try interpreter.value(at: path, of: item, default: nil)
          if !matters { key = interpreter.ignoringCase(key) }
          try interpreter.checkHashable(key)
          guard !seen.contains(key) else { return nil }
          seen.insert(key)
          return item
        }
        return body
      }
    }
    table.add(["groupby"], ["attribute", "default", "case_sensitive"], required: 1) {
      (value, arguments, interpreter) throws(TemplateError) in
      let path = try interpreter.path(arguments[0] ?? .none)
      let matters = try interpreter.flag(arguments[2])
      let fallback = arguments[1].flatMap { $0.isNone ? nil : $0 }
      func key(_ item: Value) throws(TemplateError) -> Value {
        let key = try interpreter.value(at: path, of: item, default: fallback)
        return matters ? key : interpreter.ignoringCase(key)
      }
      let sorted = try Sorting.sorted(
        interpreter.items(of: value),
        reverse: false,
        interpreter,
        by: key
      )
      var groups: [(key: Value, items: [Value])] = []
      for item in sorted {
        let itemKey = try key(item)
        if let last = groups.last, try interpreter.areEqual(last.key, itemKey) {
          groups[groups.count - 1].items.append(item)
        } else {
          groups.append((itemKey, [item]))
        }
      }
      var result: [Value] = []
      for group in groups {
        let shown =
          matters
          ? group.key : try interpreter.value(at: path, of: group.items[0], default: fallback)
        result.append(.object(GroupValue(shown, group.items)))
      }
      return .list(ListValue(result))
    }
    table.add(["batch"], ["linecount", "fill_with"], required: 1) {
      (value, arguments, interpreter) throws(TemplateError) in
      let fill = arguments[1].flatMap { $0.isNone ? nil : $0 }
      let size = arguments[0] ?? .none
      return generator { (interpreter) throws(TemplateError) in
        try batches(of: value, size, fill, interpreter)
      }
    }
    table.add(["slice"], ["slices", "fill_with"], required: 1) {
      (value, arguments, interpreter) throws(TemplateError) in
      let fill = arguments[1].flatMap { $0.isNone ? nil : $0 }
      let count = arguments[0] ?? .none
      return generator { (interpreter) throws(TemplateError) in
        try slices(of: value, count, fill, interpreter)
      }
    }
    addSelectingFilters(&table)
  }

  /// What a generator makes of an item; nil leaves it out.
  private typealias ItemBody = (Value, Interpreter) throws(TemplateError) -> Value?

  // The closures stand in functions of their own: put into `Value.object(…)` directly, those with
  // typed errors crash the compiler (6.3.1).
  private static func generator(
    _ whole: @escaping (Interpreter) throws(TemplateError) -> [Value]
  ) -> Value {
    .object(GeneratorValue(whole: whole))
  }

  private static func generator(
    over value: Value,
    _ prepared: @escaping (Interpreter) throws(TemplateError) -> ItemBody?
  ) -> Value {
    .object(GeneratorValue(over: value, prepared: prepared))
  }

  private static func batches(
    of value: Value,
    _ linecount: Value,
    _ fill: Value?,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> [Value] {
    var result: [Value] = []
    var row: [Value] = []
    for item in try interpreter.items(of: value) {
      // Compared, not counted with: any number will do, and only once there is something to hold.
      if Value.int(row.count).isEqual(to: linecount) {
        result.append(.list(row))
        row = []
      }
      row.append(item)
    }
    guard !row.isEmpty else { return result }
    if let fill, try interpreter.compare(.less, .int(row.count), linecount) {
      let size = try linecount.expectInt()
      guard size <= interpreter.limits.repetition / 8 else {
        throw .limit("the batch is larger than \(interpreter.limits.repetition / 8)")
      }
      try interpreter.account(bytes: size &* 24)
      row += Array(repeating: fill, count: size - row.count)
    }
    result.append(.list(row))
    return result
  }

  private static func slices(
    of value: Value,
    _ slices: Value,
    _ fill: Value?,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> [Value] {
    let items = try interpreter.items(of: value)
    if case .undefined(let undefined) = slices { throw interpreter.undefinedError(undefined) }
    let count = try slices.expectInt()
    guard count != 0 else { throw .zeroDivision("integer division or modulo by zero") }
    guard count > 0 else { return [] }
    guard count <= interpreter.limits.rangeSize else {
      throw .limit("more slices than \(interpreter.limits.rangeSize)")
    }
    let size = items.count / count
    let longer = items.count % count
    var offset = 0
    var result: [Value] = []
    for index in 0..<count {
      let start = offset + index * size
      if index < longer { offset += 1 }
      let end = offset + (index + 1) * size
      var row = Array(items[start..<end])
      if let fill, index >= longer { row.append(fill) }
      result.append(.list(row))
    }
    return result
  }

  private static func addSelectingFilters(_ table: inout FilterTable) {
    table.addOpen("map", markup: .itself) { (value, arguments, interpreter) throws(TemplateError) in
      generator(over: value) { (interpreter) throws(TemplateError) in
        // As Jinja, which looks at nothing else of a false value: `none | map('lower')` is empty.
        try interpreter.truth(value) ? try mapping(arguments, interpreter) : nil
      }
    }
    for (name, keeps, usesAttribute) in [
      ("select", true, false), ("reject", false, false), ("selectattr", true, true),
      ("rejectattr", false, true),
    ] {
      table.addOpen(name, markup: .itself) {
        (value, arguments, interpreter) throws(TemplateError) in
        generator(over: value) { (interpreter) throws(TemplateError) in
          try interpreter.truth(value)
            ? try selection(arguments, keeps: keeps, usesAttribute, interpreter) : nil
        }
      }
    }
  }

  private static func mapping(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> ItemBody {
    if arguments.positional.isEmpty, let attribute = arguments[keyword: "attribute"] {
      for (name, _) in arguments.keyword where name != "attribute" && name != "default" {
        throw .filterArgument("Unexpected keyword argument '\(name)'")
      }
      let path = try interpreter.path(attribute)
      let fallback = arguments[keyword: "default"]
      let body: ItemBody = { (item, interpreter) throws(TemplateError) in
        try interpreter.value(at: path, of: item, default: fallback)
      }
      return body
    }
    guard let name = arguments.positional.first else {
      throw .filterArgument("map requires a filter argument")
    }
    let rest = Arguments(Array(arguments.positional.dropFirst()), keyword: arguments.keyword)
    var filter: Filter?
    let body: ItemBody = { (item, interpreter) throws(TemplateError) in
      // Looked for once there is an item to give it.
      if filter == nil { filter = try self.filter(named: name, interpreter) }
      return try filter?.body(item, rest, interpreter)
    }
    return body
  }

  private static func selection(
    _ arguments: Arguments,
    keeps: Bool,
    _ usesAttribute: Bool,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> ItemBody {
    var positional = arguments.positional[...]
    var path: [Value] = []
    if usesAttribute {
      guard let attribute = positional.popFirst() else {
        throw .filterArgument("Missing parameter for attribute name")
      }
      path = try interpreter.path(attribute)
    }
    let name = positional.popFirst()
    let rest = Arguments(Array(positional), keyword: arguments.keyword)
    var test: Test?
    let body: ItemBody = { (item, interpreter) throws(TemplateError) in
      if test == nil, let name { test = try self.test(named: name, interpreter) }
      let subject = try interpreter.value(at: path, of: item, default: nil)
      let holds: Bool
      if let test {
        holds = try test.body(subject, rest, interpreter)
      } else {
        holds = try interpreter.truth(subject)
      }
      return holds == keeps ? item : nil
    }
    return body
  }

  private static func filter(
    named name: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Filter
  {
    try interpreter.checkHashable(name)
    let text = try interpreter.soft(name)
    guard let filter = interpreter.environment.filter(named: text) else {
      throw TemplateError(
        .runtime,
        id: "jinja.unknown-filter",
        "No filter named '\(text)'",
        hint: interpreter.environment.nearestFilter(to: text).map { "did you mean '\($0)'?" }
      )
    }
    return filter
  }

  private static func test(
    named name: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Test
  {
    try interpreter.checkHashable(name)
    let text = try interpreter.soft(name)
    guard let test = interpreter.environment.test(named: text) else {
      throw TemplateError(
        .runtime,
        id: "jinja.unknown-test",
        "No test named '\(text)'",
        hint: interpreter.environment.nearestTest(to: text).map { "did you mean '\($0)'?" }
      )
    }
    return test
  }

  private static func empty(_ message: String, _ interpreter: Interpreter) -> Value {
    .undefined(Undefined(name: "", kind: interpreter.undefinedKind, message: message))
  }

  private static func reversible(_ value: Value) throws(TemplateError) {
    if case .object(let object) = value, object is GeneratorValue {
      throw .type("'\(object.typeName)' object is not reversible")
    }
    if case .set = value { throw .type("'set' object is not reversible") }
  }

  private static func sortPaths(
    _ attribute: Value?,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> [[Value]]
  {
    switch attribute {
    case nil, .none?: return [[]]
    case .string(let text)?:
      return text.split(on: ",", limit: -1).map { Interpreter.parts($0) }
    case let other?: return [[other]]
    }
  }

  private static func pairs(
    _ object: Object,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> [(Value, Value)]
  {
    var result: [(Value, Value)] = []
    for key in try object.iterate(interpreter) ?? [] {
      result.append((key, try object.item(key, interpreter) ?? .none))
    }
    return result
  }
}

/// A group of `groupby`: a pair with names.
final class GroupValue: Object {
  private var grouper: Value
  private let list: Value

  init(_ grouper: Value, _ items: [Value]) {
    self.grouper = grouper
    list = .list(ListValue(items))
  }

  deinit {
    var items = [grouper]
    grouper = .none
    ValueWalk.end(&items)
  }

  override var typeName: String { "_GroupTuple" }
  override var length: Int? { 2 }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    switch name.name {
    case "grouper": grouper
    case "list": list
    case "count", "index":
      name.known.map { .object(BoundMethod(.tuple([grouper, list]), $0)) }
    default: nil
    }
  }

  override func item(_ key: Value, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
    key.index(in: 2).map { $0 == 0 ? grouper : list }
  }

  override func iterate(_ interpreter: Interpreter) throws(TemplateError) -> [Value]? {
    [grouper, list]
  }

  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    try interpreter.reprText(of: .tuple([grouper, list]))
  }

  override func isEqual(to other: Value) -> Bool {
    switch other {
    case .tuple(let tuple): Value.tuple([grouper, list]).isEqual(to: .tuple(tuple))
    case .object(let object): object === self
    default: false
    }
  }

  override func hash(into hasher: inout Hasher) -> Bool { false }
}
