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
  /// with everything below it. The error tells of every value that cannot be rendered.
  package func render(
    _ node: YAMLNode,
    keeping keeps: ([String]) -> Bool = { _ in false }
  ) throws(Failure) -> YAMLNode {
    var problems: [Failure] = []
    let rendered = render(node, keeping: keeps, &problems)
    if let first = problems.first {
      throw Failure(first.kind, problems.flatMap(\.diagnostics))
    }
    return rendered ?? node
  }

  /// The same without the values that cannot be rendered, each of which is a problem.
  package func render(
    _ node: YAMLNode,
    keeping keeps: ([String]) -> Bool,
    _ problems: inout [Failure]
  ) -> YAMLNode? {
    render(node, path: [], keeping: keeps, &problems)
  }

  private func render(
    _ node: YAMLNode,
    path: [String],
    keeping keeps: ([String]) -> Bool,
    _ problems: inout [Failure]
  ) -> YAMLNode? {
    if keeps(path) { return node }
    switch node.value {
    case .scalar(.string(let text)) where Self.isTemplate(text):
      do {
        return YAMLNode(data: try render(text, at: node.span), at: node.span)
      } catch {
        problems.append(error)
        return nil
      }
    case .scalar(.string(let text)) where text.utf8.last == UInt8(ascii: "\n"):
      return YAMLNode(.scalar(.string(Self.plain(text))), at: node.span)
    case .scalar:
      return node
    case .sequence(let items):
      var rendered: [YAMLNode] = []
      rendered.reserveCapacity(items.count)
      for item in items {
        if let item = render(item, path: path + [""], keeping: keeps, &problems) {
          rendered.append(item)
        }
      }
      return YAMLNode(.sequence(rendered), at: node.span)
    case .mapping(let pairs):
      var rendered: [(key: YAMLNode, value: YAMLNode)] = []
      rendered.reserveCapacity(pairs.count)
      for (key, value) in pairs {
        let below = path + [key.keyText]
        if let value = render(value, path: below, keeping: keeps, &problems) {
          rendered.append((key: key, value: value))
        }
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

  /// The filters that ask for a value in place of its text.
  private static let markers: Set = ["as_text", "as_bool", "as_native", "as_number"]

  /// Renders one text natively: what is one expression keeps its type, unless it is made of literals
  /// alone (then Jinja has made a text of it before anybody could ask).
  package func render(_ text: String, at span: TextSpan) throws(Failure) -> Datum {
    do {
      let file = SourceFile(path: span.file.path, text: text)
      let template = try interpreter.environment.compile(file)
      let value = try interpreter.evaluate(template, scope: scope)
      if template.isConstant(excluding: Self.markers) {
        return .string(try interpreter.string(value))
      }
      return try convert(value, interpreter)
    } catch {
      var diagnostic = error.diagnostic
      diagnostic.message = "Could not render \(text): \(diagnostic.message)"
      diagnostic.span = span.place(of: diagnostic.span, in: text)
      throw Failure(error.kind.rawValue == "EnvVarMissing" ? .parsing : .compilation, diagnostic)
    }
  }
}

extension TextSpan {
  /// Where in the file a place within the text of this value stands: the value as a whole where YAML
  /// wrote its words otherwise (as escapes).
  fileprivate func place(of inner: TextSpan?, in text: String) -> TextSpan {
    guard let inner, inner.file.bytes.elementsEqual(text.utf8),
      inner.start < inner.file.bytes.count
    else { return self }
    if let range = file.range(of: text, in: start..<end) {
      return TextSpan(
        file: file,
        start: range.lowerBound + inner.start,
        end: range.lowerBound + inner.end
      )
    }
    // Of a block, or of lines that were joined: the same words, as often as they stand before.
    let words = String(inner.text.prefix { !$0.isNewline })
    guard !words.isEmpty else { return self }
    var place: Range<Int>?
    var (from, offset) = (start, 0)
    while let known = inner.file.range(of: words, in: offset..<inner.file.bytes.count),
      known.lowerBound <= inner.start
    {
      guard let next = file.range(of: words, in: from..<end) else { return self }
      (place, from, offset) = (next, next.upperBound, known.upperBound)
    }
    return place.map { TextSpan(file: file, start: $0.lowerBound, end: $0.upperBound) } ?? self
  }
}

extension SourceFile {
  /// Where a text stands, as it is, for the first time.
  package func range(of text: String, in range: Range<Int>? = nil) -> Range<Int>? {
    let range = range ?? 0..<bytes.count
    let wanted = Array(text.utf8)
    guard let first = wanted.first, wanted.count <= range.count else { return nil }
    var start = range.lowerBound
    let last = range.upperBound - wanted.count
    while start <= last, let next = bytes[start...last].firstIndex(of: first) {
      if bytes[next..<next + wanted.count].elementsEqual(wanted) {
        return next..<next + wanted.count
      }
      start = next + 1
    }
    return nil
  }
}
