import SectoralJinja

/// The commonest arguments of generic tests, evaluated without a template: `ref('orders')`, and what
/// stands for a test's model, `{{ get_where_subquery(ref('orders')) }}`.
///
/// A third of the time that tests took went into compiling these.
struct DirectCall {
  private let callee: Symbol
  private let arguments: [Value]
  private let isWrapped: Bool

  private static let wrapper: Symbol = "get_where_subquery"

  /// nil: the text is anything else, or has anything else in it.
  init?(_ text: String) {
    var text = text
    let parts = text.withUTF8 { bytes -> (callee: Symbol, arguments: [Value], isWrapped: Bool)? in
      var reader = Reader(bytes: bytes)
      let isWrapped = reader.skip("{{ get_where_subquery(")
      let callee: Symbol
      if reader.skip("ref(") {
        callee = Names.ref
      } else if reader.skip("source(") {
        callee = Names.source
      } else {
        return nil
      }
      var arguments: [Value] = []
      repeat {
        guard let text = reader.text() else { return nil }
        arguments.append(.string(text))
      } while reader.skip(", ") || reader.skip(",")
      guard reader.skip(")"), !isWrapped || reader.skip(") }}"), reader.isAtEnd else { return nil }
      return (callee, arguments, isWrapped)
    }
    guard let parts else { return nil }
    (callee, arguments, isWrapped) = parts
  }

  /// As a template of this text would: through whatever the names mean in the context.
  func evaluate(in context: NodeContext) throws(TemplateError) -> Value? {
    guard let function = context.lookup(callee) else { return nil }
    guard isWrapped else { return try context.interpreter.call(function, Arguments(arguments)) }
    guard let wrapper = context.lookup(Self.wrapper) else { return nil }
    let inner = try context.interpreter.call(function, Arguments(arguments))
    return try context.interpreter.call(wrapper, Arguments([inner]))
  }

  private struct Reader {
    let bytes: UnsafeBufferPointer<UInt8>
    var offset = 0

    var isAtEnd: Bool { offset == bytes.count }

    mutating func skip(_ word: StaticString) -> Bool {
      let count = word.utf8CodeUnitCount
      guard offset + count <= bytes.count else { return false }
      for index in 0..<count where bytes[offset + index] != word.utf8Start[index] { return false }
      offset += count
      return true
    }

    /// A text in quotes of nothing but the characters of names.
    mutating func text() -> String? {
      guard offset < bytes.count else { return nil }
      let quote = bytes[offset]
      guard quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else { return nil }
      var end = offset + 1
      while end < bytes.count, Self.isPlain(bytes[end]) { end += 1 }
      guard end < bytes.count, bytes[end] == quote else { return nil }
      defer { offset = end + 1 }
      return String(decoding: bytes[offset + 1..<end], as: UTF8.self)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
        UInt8(ascii: "-"), UInt8(ascii: " "):
        true
      default: false
      }
    }
  }
}
