package import SectoralJinja
package import SectoralText
package import SectoralYAML

/// Renders the templates inside YAML values natively: a value that is one expression becomes that
/// expression's value, with its type. Keys are left as they are.
package struct YAMLRenderer {
  private let interpreter: Interpreter
  private let scope: Scope
  /// Turns what a native template gave into data; the markers of `as_bool` and its like included.
  private let convert: (Value, Interpreter) throws(TemplateError) -> Datum

  package init(
    interpreter: Interpreter,
    scope: Scope,
    convert: @escaping (Value, Interpreter) throws(TemplateError) -> Datum
  ) {
    self.interpreter = interpreter
    self.scope = scope
    self.convert = convert
  }

  /// Whether text holds anything for the template engine.
  package static func isTemplate(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      var previous: UInt8 = 0
      for byte in bytes {
        switch (previous, byte) {
        case (UInt8(ascii: "{"), UInt8(ascii: "{")), (UInt8(ascii: "{"), UInt8(ascii: "%")),
          (UInt8(ascii: "{"), UInt8(ascii: "#")), (UInt8(ascii: "}"), UInt8(ascii: "}")),
          (UInt8(ascii: "%"), UInt8(ascii: "}")), (UInt8(ascii: "#"), UInt8(ascii: "}")):
          return true
        default: previous = byte
        }
      }
      return false
    }
  }

  /// What the template engine makes of a text without templates: a line end at its very end goes, as
  /// that of every template does. Block texts (`|`) have one.
  package static func plain(_ text: String) -> String {
    text.utf8.last == UInt8(ascii: "\n") ? String(text.dropLast()) : text
  }

  /// `keeps`: given the keys (list items: "") that lead to a value, whether it stays raw
  /// with everything below it.
  package func render(
    _ node: YAMLNode,
    path: [String] = [],
    keeping keeps: ([String]) -> Bool = { _ in false }
  ) throws(Failure) -> YAMLNode {
    if keeps(path) { return node }
    switch node.value {
    case .scalar(.string(let text)) where Self.isTemplate(text):
      return YAMLNode(data: try render(text, at: node.span), at: node.span)
    case .scalar(.string(let text)) where text.utf8.last == UInt8(ascii: "\n"):
      return YAMLNode(.scalar(.string(Self.plain(text))), at: node.span)
    case .scalar:
      return node
    case .sequence(let items):
      var rendered: [YAMLNode] = []
      rendered.reserveCapacity(items.count)
      for item in items { rendered.append(try render(item, path: path + [""], keeping: keeps)) }
      return YAMLNode(.sequence(rendered), at: node.span)
    case .mapping(let pairs):
      var rendered: [(key: YAMLNode, value: YAMLNode)] = []
      rendered.reserveCapacity(pairs.count)
      for (key, value) in pairs {
        let below = path + [key.keyText]
        rendered.append((key: key, value: try render(value, path: below, keeping: keeps)))
      }
      return YAMLNode(.mapping(rendered), at: node.span)
    }
  }

  /// Whether text is a well-formed template.
  func compiles(_ text: String) -> Bool {
    do {
      _ = try interpreter.environment.compile(SourceFile(path: "", text: text))
      return true
    } catch {
      return false
    }
  }

  /// Renders one text natively.
  package func render(_ text: String, at span: TextSpan) throws(Failure) -> Datum {
    do {
      let file = SourceFile(path: span.file.path, text: text)
      let template = try interpreter.environment.compile(file)
      return try convert(try interpreter.evaluate(template, scope: scope), interpreter)
    } catch {
      // Positions inside the value are of no use to a reader of the YAML file: point to the value.
      var diagnostic = error.diagnostic
      diagnostic.message = "Could not render \(text): \(diagnostic.message)"
      diagnostic.span = span
      throw Failure(error.kind.rawValue == "EnvVarMissing" ? .parsing : .compilation, diagnostic)
    }
  }
}
