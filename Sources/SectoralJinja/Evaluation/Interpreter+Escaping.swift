/// `autoescape`: output whose special characters of HTML are escaped.
extension Interpreter {
  /// `flag`: The node's `Escaping`.
  func isEscaping(_ flag: UInt8) -> Bool {
    switch Escaping(rawValue: flag) {
    case .on: true
    case .dynamic: escapes
    default: false
    }
  }

  func executeEscapedOutput(
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  )
    throws(TemplateError)
  {
    try noting(node.pointee.a, frame) { (interpreter) throws(TemplateError) in
      let value = try interpreter.evaluate(node.pointee.a, frame)
      interpreter.place = node.pointee.a
      if interpreter.isEscaping(node.pointee.flag) {
        interpreter.output.append(try interpreter.escapedText(of: value))
      } else {
        try interpreter.write(value)
      }
    }
  }

  func executeAutoescape(
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  )
    throws(TemplateError) -> Flow
  {
    let outer = escapes
    defer { escapes = outer }
    escapes = try truth(evaluate(node.pointee.a, frame))
    if escapes { usesMarkup = true }
    return try execute(node.pointee.b, frame)
  }

  /// `~` within `autoescape`: as soon as one operand is markup, the others are escaped.
  func evaluateEscapedConcatenation(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  ) throws(TemplateError) -> Value {
    let list = frame.extra + Int(node.pointee.a)
    var values: [Value] = []
    for index in 0..<Int(node.pointee.b) { values.append(try evaluate(list[index], frame)) }
    place = id
    let isMarkup = values.contains(where: \.isMarkup)
    var result = ""
    for value in values {
      let text = try isMarkup ? escapedText(of: value) : text(of: value)
      try checkLength(result.utf8.count + text.utf8.count)
      result += text
    }
    try account(bytes: result.utf8.count)
    return isMarkup ? markup(result) : .string(result)
  }
}
