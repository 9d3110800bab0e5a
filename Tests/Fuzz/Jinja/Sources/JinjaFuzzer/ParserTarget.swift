import SectoralJinja
import SectoralText

/// Any bytes: the parser gives a template, or diagnostics that lie inside of the text.
///
/// The first byte chooses options.
func fuzzParser(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard count > 0 else { return 0 }
  let flags = start[0]
  var options = Options()
  options.trimBlocks = flags & 1 != 0
  options.lstripBlocks = flags & 2 != 0
  options.keepTrailingNewline = flags & 4 != 0
  if flags & 8 != 0 {
    options.definitionTags = [
      DefinitionTag(tag: "test", prefix: "test_", signature: .macro),
      DefinitionTag(tag: "docs", prefix: "", signature: .name),
    ]
  }
  let text = UnsafeBufferPointer(start: start + 1, count: count - 1)
  let file = SourceFile(path: "input", bytes: Array(text))
  let (template, diagnostics) = Environment(options).parse(file)
  for diagnostic in diagnostics {
    guard let span = diagnostic.span, span.start >= 0, span.start <= span.end,
      span.end <= count - 1
    else { fatalError("a diagnostic without a place in the text: \(diagnostic)") }
  }
  // What hosts ask of a template.
  _ = template.definitions
  _ = template.staticCalls
  _ = template.plainText
  return 0
}
