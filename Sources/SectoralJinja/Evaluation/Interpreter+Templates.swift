import SectoralText

/// Statements that bring in other templates.
extension Interpreter {
  /// The template that an expression names: a name, a template, or a list of names to try.
  private func template(_ value: Value, ignoresMissing: Bool) throws(TemplateError) -> Template? {
    switch value {
    case .string(let name):
      if let template = try loaded(name) { return template }
      if ignoresMissing { return nil }
      throw TemplateError(.notFound, id: "jinja.template-not-found", "no template '\(name)'")
    case .list, .tuple:
      let names = try items(of: value)
      for name in names {
        if case .string(let text) = name, let template = try loaded(text) { return template }
      }
      if ignoresMissing { return nil }
      var shown: [String] = []
      for name in names { shown.append(try text(of: name)) }
      throw TemplateError(
        .noneFound,
        id: "jinja.template-not-found",
        "none of the templates given were found: \(try joined(shown, separator: ", "))"
      )
    case .object(let object):
      if let template = object as? TemplateObject { return template.template }
    case .undefined(let undefined): throw undefinedError(undefined)
    default: break
    }
    throw .type("a template's name must be a string, not \(value.typeName)")
  }

  private func loaded(_ name: String) throws(TemplateError) -> Template? {
    guard let loader = environment.loader else { return nil }
    return try loader(name)
  }

  func executeInclude(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  )
    throws(TemplateError)
  {
    try checkStack()
    let name = try evaluate(node.pointee.a, frame)
    place = id
    try countStep()
    guard let template = try template(name, ignoresMissing: node.pointee.flag == 1) else { return }
    let scope: Scope =
      node.pointee.b >= 0 ? SnapshotScope(frame, list: node.pointee.b) : DictionaryScope()
    var inner = takeFrame(
      template.program,
      0,
      parent: nil,
      scope: scope,
      undefined: frame.undefined
    )
    defer { giveBack(&inner) }
    let next = inner
    try running(next, nil) { (interpreter) throws(TemplateError) in
      try interpreter.executeRoot(next)
    }
  }

  private func module(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  ) throws(TemplateError) -> ModuleValue {
    try checkStack()
    let name = try evaluate(node.pointee.a, frame)
    place = id
    try countStep()
    guard let template = try template(name, ignoresMissing: false) else {
      throw .value("no template")
    }
    let scope: Scope =
      node.pointee.c >= 0 ? SnapshotScope(frame, list: node.pointee.c) : DictionaryScope()
    var inner = takeFrame(
      template.program,
      0,
      parent: nil,
      scope: scope,
      undefined: frame.undefined
    )
    defer { giveBack(&inner) }
    let mark = output.count
    let next = inner
    do throws(TemplateError) {
      try running(next, nil) { (interpreter) throws(TemplateError) in
        try interpreter.executeRoot(next)
      }
    } catch {
      discard(from: mark)
      throw error
    }
    return ModuleValue(
      frame: next,
      name: template.file.path,
      text: take(from: mark)
    )
  }

  func executeImport(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  )
    throws(TemplateError)
  {
    let module = try module(id, node, frame)
    try assign(node.pointee.b, .object(module), frame)
  }

  func executeFromImport(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  )
    throws(TemplateError)
  {
    let module = try module(id, node, frame)
    let list = frame.extra + Int(node.pointee.b)
    for index in 0..<Int(list[0]) {
      let entry = list + 1 + index * 3
      let symbol = Symbol(index: UInt32(bitPattern: entry[2]))
      let value =
        module.export(symbol)
        ?? .undefined(
          Undefined(
            name: symbol.name,
            kind: frame.undefined,
            message: "the template '\(module.name)' does not export the requested name "
              + "'\(symbol.name)'"
          )
        )
      try assign(entry[1], value, frame)
    }
  }

  func executeExtends(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  )
    throws(TemplateError)
  {
    let name = try evaluate(node.pointee.a, frame)
    place = id
    guard let inheritance = frame.inheritance else {
      throw TemplateError(
        .runtime,
        id: "jinja.misplaced-extends",
        "cannot use extends outside of the top level"
      )
    }
    guard inheritance.parent == nil else {
      throw TemplateError(.runtime, id: "jinja.extended-twice", "extended multiple times")
    }
    inheritance.parent = try template(name, ignoresMissing: false)
  }

  func executeBlock(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  )
    throws(TemplateError)
  {
    let info = frame.program.blocks[Int(node.pointee.a)]
    guard let inheritance = frame.inheritance, let block = inheritance.blocks[info.name]?.first
    else { return }
    place = id
    guard !block.isRequired else {
      throw TemplateError(
        .runtime,
        id: "jinja.required-block",
        "required block '\(info.name.name)' not found"
      )
    }
    let scope: Scope? = node.pointee.b >= 0 ? SnapshotScope(frame, list: node.pointee.b) : nil
    try render(block, info.name, level: 0, inheritance, frame, scope: scope)
  }

  /// Renders one block of the chain to the output.
  func render(
    _ block: Inheritance.Block,
    _ name: Symbol,
    level: Int,
    _ inheritance: Inheritance,
    _ frame: Frame,
    scope: Scope?
  ) throws(TemplateError) {
    try checkStack()
    try countStep()
    let outer = inheritance.current
    inheritance.current = (name: name, level: level)
    defer { inheritance.current = outer }
    var inner = takeFrame(
      block.program,
      block.function,
      parent: nil,
      scope: scope ?? (frame.function == 0 ? ExportScope(frame) : frame.scope),
      undefined: frame.undefined
    )
    defer { giveBack(&inner) }
    inner.inheritance = inheritance
    let next = inner
    let body = block.program.functions[Int(block.function)].body
    try running(next, nil) { (interpreter) throws(TemplateError) in
      _ = try interpreter.execute(body, next)
    }
  }
}

/// A template as a value: `{% include template %}`.
public final class TemplateObject: Object {
  let template: Template

  /// The template as a value.
  public init(_ template: Template) { self.template = template }

  public override var typeName: String { "Template" }
}

/// What `import` gives: the top-level variables of a template.
final class ModuleValue: Object {
  private let frame: Frame
  let name: String
  private let text: String

  init(frame: Frame, name: String, text: String) {
    self.frame = frame
    self.name = name
    self.text = text
  }

  override var typeName: String { "TemplateModule" }
  override var describedTypeName: String { "jinja2.environment.TemplateModule" }

  func export(_ symbol: Symbol) -> Value? {
    guard !symbol.name.hasPrefix("_") else { return nil }
    for export in frame.program.exports where export.symbol == symbol && export.slot < frame.count {
      return frame.slots[Int(export.slot)]
    }
    return nil
  }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    export(name)
  }

  override func string(_ interpreter: Interpreter) throws(TemplateError) -> String { text }

  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "<TemplateModule '\(name)'>"
  }
}

/// `self`: the template's blocks as functions.
final class TemplateReference: Object {
  private let inheritance: Inheritance

  init(_ inheritance: Inheritance) { self.inheritance = inheritance }

  override var typeName: String { "TemplateReference" }
  override var describedTypeName: String { "jinja2.runtime.TemplateReference" }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    guard inheritance.blocks[name] != nil else { return nil }
    return .object(BlockReference(inheritance, name, level: 0))
  }
}

/// A block as a function: `self.title()`, `super()`.
final class BlockReference: Object {
  private let inheritance: Inheritance
  private let name: Symbol
  private let level: Int

  init(_ inheritance: Inheritance, _ name: Symbol, level: Int) {
    self.inheritance = inheritance
    self.name = name
    self.level = level
  }

  static func parent(_ inheritance: Inheritance, _ undefined: UndefinedKind) -> Value {
    guard let (name, level) = inheritance.current else {
      return .undefined(Undefined(name: "super", kind: undefined))
    }
    return BlockReference(inheritance, name, level: level).above(undefined)
  }

  private func above(_ undefined: UndefinedKind) -> Value {
    guard level + 1 < inheritance.blocks[name]?.count ?? 0 else {
      return .undefined(
        Undefined(
          name: "super",
          kind: undefined,
          message: "there is no parent block called '\(name.name)'."
        )
      )
    }
    return .object(BlockReference(inheritance, name, level: level + 1))
  }

  override var typeName: String { "BlockReference" }
  override var describedTypeName: String { "jinja2.runtime.BlockReference" }
  override var isCallable: Bool { true }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    name.known == .super ? above(interpreter.environment.options.undefined) : nil
  }

  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    guard let frame = interpreter.current, let blocks = inheritance.blocks[name],
      level < blocks.count
    else { return .string("") }
    let mark = interpreter.output.count
    try interpreter.render(
      blocks[level],
      name,
      level: level,
      inheritance,
      frame,
      scope: nil
    )
    let text = interpreter.take(from: mark)
    return interpreter.escapes ? interpreter.markup(text) : .string(text)
  }
}
