internal import CYAML
public import SectoralText

/// Reads YAML 1.1 as PyYAML's `safe_load` does.
///
/// What would be an exception there is a diagnostic here; all of a document's mistakes above the
/// grammar are reported at once.
public enum YAMLParser {
  /// Collections deeper than this are refused: nothing that reads the tree needs to fear for its
  /// stack.
  public static let maximumDepth = 200
  /// How many nodes all aliases of a file may stand for together.
  public static let maximumAliasedNodes = 1_000_000

  /// - Returns: The value of the only document, nil when the text is no YAML; an empty file is
  ///   null. With an error among the diagnostics, the tree lacks what the error is about.
  ///
  /// `skippingBlanks`: whether blanks before the first words are as if they were not there, so that these
  /// stand at the beginning of their line.
  public static func parse(
    _ file: SourceFile,
    skippingBlanks: Bool = false
  ) -> (root: YAMLNode?, diagnostics: [Diagnostic]) {
    if file.bytes.isEmpty {
      return (YAMLNode(.scalar(.null), at: TextSpan(file: file, start: 0, end: 0)), [])
    }
    return file.bytes.withUnsafeBufferPointer { bytes in
      let blanks = bytes.prefix { $0 == 0x20 || (0x09...0x0D).contains($0) }.count
      // A mark of the byte order, as some editors write it, takes no place in its line.
      let mark = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
      var composer = Composer(
        file: file,
        bytes: bytes,
        skipped: skippingBlanks ? max(mark, blanks) : mark
      )
      defer { composer.close() }
      let root = composer.document()
      return (root, composer.diagnostics)
    }
  }

  /// Reads a text that stands in no file; `label` is what messages call it, for instance `--vars`.
  public static func parse(
    _ text: String,
    label: String = "<text>"
  ) -> (root: YAMLNode?, diagnostics: [Diagnostic]) {
    parse(SourceFile(path: label, text: text))
  }
}

/// Builds nodes from libyaml's events.
///
/// Each method that reads a node begins with the node's first event as the current one and ends
/// with its last. A nil result means that reading cannot go on and the reason was reported.
private struct Composer {
  private struct Anchor {
    var node: YAMLNode
    var size: Int
    var height: Int
  }

  private let file: SourceFile
  private let bytes: UnsafeBufferPointer<UInt8>
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let event: UnsafeMutablePointer<yaml_event_t>
  private var offsets: OffsetCursor
  private var anchors: [String: Anchor?] = [:]
  private var nodeCount = 0
  private var aliasedCount = 0
  private var deepest = 0
  private(set) var diagnostics: [Diagnostic] = []

  /// `skipped`: how many bytes of white space are not read.
  init(file: SourceFile, bytes: UnsafeBufferPointer<UInt8>, skipped: Int) {
    self.file = file
    self.bytes = bytes
    offsets = OffsetCursor(bytes: bytes, skipped: skipped)
    // The parser holds pointers to itself, so it must stay where it is.
    parser = .allocate(capacity: 1)
    event = .allocate(capacity: 1)
    parser.initialize(to: yaml_parser_t())
    event.initialize(to: yaml_event_t())
    // Both calls fail only when memory is exhausted.
    precondition(yaml_parser_initialize(parser) == 1, "out of memory")
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    let read = UnsafeBufferPointer(rebasing: bytes[skipped...])
    yaml_parser_set_input_string(parser, read.baseAddress, read.count)
  }

  func close() {
    yaml_event_delete(event)
    yaml_parser_delete(parser)
    event.deallocate()
    parser.deallocate()
  }

  mutating func document() -> YAMLNode? {
    guard advance(), advance() else { return nil }  // the start of the stream
    if event.pointee.type == YAML_STREAM_END_EVENT {
      return YAMLNode(.scalar(.null), at: TextSpan(file: file, start: 0, end: 0))
    }
    guard advance(), let root = node(depth: 0), advance(), advance() else { return nil }
    if event.pointee.type != YAML_STREAM_END_EVENT {
      report(
        "yaml.several-documents",
        "expected a single document in the stream, but found another document",
        eventSpan,
        hint: "remove this '---' line, or move what follows it to a file of its own"
      )
      return nil
    }
    return root
  }

  // MARK: Nodes

  private mutating func node(depth: Int, isKey: Bool = false) -> YAMLNode? {
    let start = offsets.byte(at: event.pointee.start_mark.index)
    nodeCount += 1
    deepest = max(deepest, depth)
    let anchor: UnsafeMutablePointer<yaml_char_t>?
    switch event.pointee.type {
    case YAML_ALIAS_EVENT: return alias(depth: depth)
    case YAML_SCALAR_EVENT: anchor = event.pointee.data.scalar.anchor
    case YAML_SEQUENCE_START_EVENT: anchor = event.pointee.data.sequence_start.anchor
    case YAML_MAPPING_START_EVENT: anchor = event.pointee.data.mapping_start.anchor
    default: preconditionFailure("libyaml promises a node here")
    }
    guard let anchor else { return unanchored(from: start, depth: depth, isKey: isKey) }

    let name = text(anchor)
    if anchors[name] != nil {
      report(
        "yaml.duplicate-anchor",
        "found duplicate anchor '\(name)'",
        eventSpan,
        hint: "give one of them another name"
      )
    }
    anchors[name] = .some(nil)  // An alias inside its own anchor finds nothing yet.
    let countBefore = nodeCount
    let deepestBefore = deepest
    deepest = depth
    guard let node = unanchored(from: start, depth: depth, isKey: isKey) else { return nil }
    anchors[name] = Anchor(
      node: node,
      size: nodeCount - countBefore + 1,
      height: deepest - depth
    )
    deepest = max(deepest, deepestBefore)
    return node
  }

  private mutating func unanchored(from start: Int, depth: Int, isKey: Bool) -> YAMLNode? {
    if depth >= YAMLParser.maximumDepth, event.pointee.type != YAML_SCALAR_EVENT {
      report(
        "yaml.too-deep",
        "lists and mappings are nested more than \(YAMLParser.maximumDepth) deep",
        eventSpan
      )
      return nil
    }
    switch event.pointee.type {
    case YAML_SCALAR_EVENT: return scalar(from: start, isKey: isKey)
    case YAML_SEQUENCE_START_EVENT: return sequence(from: start, depth: depth)
    default: return mapping(from: start, depth: depth)
    }
  }

  private mutating func alias(depth: Int) -> YAMLNode? {
    let name = text(event.pointee.data.alias.anchor)
    guard let entry = anchors[name] else {
      let known = anchors.keys.sorted()
      let hint =
        Spelling.nearest(to: name, among: known).map { "did you mean '*\($0)'?" }
        ?? "an anchor '&\(name)' must stand above its alias; quote the text if it is none"
      report("yaml.undefined-alias", "found undefined alias '\(name)'", eventSpan, hint: hint)
      return nil
    }
    guard let anchor = entry else {
      report(
        "yaml.recursive-alias",
        "the alias '\(name)' stands inside its own anchor",
        eventSpan
      )
      return nil
    }
    nodeCount += anchor.size
    aliasedCount += anchor.size
    deepest = max(deepest, depth + anchor.height)
    if aliasedCount > YAMLParser.maximumAliasedNodes {
      report(
        "yaml.alias-limit",
        "the aliases of this file stand for more than \(YAMLParser.maximumAliasedNodes) values",
        eventSpan
      )
      return nil
    }
    if depth + anchor.height > YAMLParser.maximumDepth {
      report(
        "yaml.too-deep",
        "lists and mappings are nested more than \(YAMLParser.maximumDepth) deep",
        eventSpan
      )
      return nil
    }
    return anchor.node
  }

  private mutating func sequence(from start: Int, depth: Int) -> YAMLNode? {
    let tag = event.pointee.data.sequence_start.tag.map(text)
    let isBlock = event.pointee.data.sequence_start.style == YAML_BLOCK_SEQUENCE_STYLE
    let opening = eventSpan
    var items: [YAMLNode] = []
    while true {
      guard advance() else { return nil }
      if event.pointee.type == YAML_SEQUENCE_END_EVENT { break }
      guard let item = node(depth: depth + 1) else { return nil }
      items.append(item)
    }
    // The end event of a block stands at the next token, often lines below.
    let end = isBlock ? items.last?.span.end ?? opening.end : eventSpan.end
    let span = TextSpan(file: file, start: start, end: end)
    switch tag {
    case nil, "!", "\(Self.tagPrefix)seq": break
    case "\(Self.tagPrefix)omap", "\(Self.tagPrefix)pairs":
      items = items.compactMap { item in
        guard case .mapping(let entries) = item.value, entries.count == 1 else {
          report(
            "yaml.tag",
            "expected a mapping of length 1, but found \(item.kindName)",
            item.span
          )
          return nil
        }
        return YAMLNode(.sequence([entries[0].key, entries[0].value]), at: item.span)
      }
    case let tag?: reportTag(tag, opening)
    }
    return YAMLNode(.sequence(items), at: span)
  }

  private mutating func mapping(from start: Int, depth: Int) -> YAMLNode? {
    let tag = event.pointee.data.mapping_start.tag.map(text)
    let isBlock = event.pointee.data.mapping_start.style == YAML_BLOCK_MAPPING_STYLE
    let opening = eventSpan
    var builder = MappingBuilder()
    var lastEnd = opening.end
    while true {
      guard advance() else { return nil }
      if event.pointee.type == YAML_MAPPING_END_EVENT { break }
      let isMerge = isMergeKey
      guard let key = isMerge ? mergeKey() : node(depth: depth + 1, isKey: true),
        advance(),
        let value = node(depth: depth + 1)
      else { return nil }
      lastEnd = max(key.span.end, value.span.end)
      if isMerge {
        merge(value, into: &builder)
      } else if case .scalar(let name) = key.value {
        if let earlier = builder.set(key, name, value) { reportDuplicate(key, earlier: earlier) }
      } else {
        reportCollectionKey(key, in: opening)
      }
    }
    let end = isBlock ? lastEnd : eventSpan.end
    switch tag {
    case nil, "!", "\(Self.tagPrefix)map", "\(Self.tagPrefix)set": break
    case let tag?: reportTag(tag, opening)
    }
    return YAMLNode(.mapping(builder.finished), at: TextSpan(file: file, start: start, end: end))
  }

  private var isMergeKey: Bool {
    guard event.pointee.type == YAML_SCALAR_EVENT else { return false }
    let scalar = event.pointee.data.scalar
    if let tag = scalar.tag { return text(tag) == "\(Self.tagPrefix)merge" }
    return scalar.plain_implicit == 1 && scalar.length == 2 && scalar.value[0] == UInt8(ascii: "<")
      && scalar.value[1] == UInt8(ascii: "<")
  }

  private mutating func mergeKey() -> YAMLNode {
    YAMLNode(.scalar(.string("<<")), at: eventSpan)
  }

  private mutating func merge(_ value: YAMLNode, into builder: inout MappingBuilder) {
    switch value.value {
    case .mapping(let entries): builder.merge(entries)
    case .sequence(let items):
      // The first of the list wins, so it comes last.
      for item in items.reversed() {
        if case .mapping(let entries) = item.value {
          builder.merge(entries)
        } else {
          report(
            "yaml.merge",
            "expected a mapping for merging, but found \(item.kindName)",
            item.span
          )
        }
      }
    case .scalar:
      report(
        "yaml.merge",
        "expected a mapping or list of mappings for merging, but found \(value.kindName)",
        value.span,
        hint: "'<<' takes an alias of a mapping: '<<: *name'"
      )
    }
  }

  // MARK: Scalars

  private static let tagPrefix = "tag:yaml.org,2002:"

  private mutating func scalar(from start: Int, isKey: Bool) -> YAMLNode {
    let scalar = event.pointee.data.scalar
    let span = TextSpan(
      file: file,
      start: start,
      end: offsets.byte(at: event.pointee.end_mark.index)
    )
    let text = UnsafeBufferPointer<UInt8>(start: scalar.value, count: scalar.length)
    if let tag = scalar.tag, scalar.plain_implicit == 0 {
      return YAMLNode(.scalar(tagged(self.text(tag), text, span)), at: span)
    }
    guard scalar.plain_implicit == 1 else {
      return YAMLNode(.scalar(.string(String(decoding: text, as: UTF8.self))), at: span)
    }
    switch ScalarResolver.resolve(text) {
    case .text: return YAMLNode(.scalar(.string(String(decoding: text, as: UTF8.self))), at: span)
    case .value(let datum): return YAMLNode(.scalar(datum), at: span)
    case .valueKey where isKey:
      return YAMLNode(.scalar(.string("=")), at: span)
    case .merge, .valueKey:
      let written = String(decoding: text, as: UTF8.self)
      report(
        "yaml.tag",
        "'\(written)' has a meaning of its own in YAML and cannot be a value",
        span,
        hint: "quote it: '\(written)'"
      )
      return YAMLNode(.scalar(.string(written)), at: span)
    case .invalid(let problem):
      reportInvalid(problem, text, span)
      return YAMLNode(.scalar(.string(String(decoding: text, as: UTF8.self))), at: span)
    }
  }

  private mutating func tagged(
    _ tag: String,
    _ text: UnsafeBufferPointer<UInt8>,
    _ span: TextSpan
  ) -> Datum {
    let string = String(decoding: text, as: UTF8.self)
    guard tag.hasPrefix(Self.tagPrefix) else {
      reportTag(tag, span)
      return .string(string)
    }
    let resolution: ScalarResolver.Resolution?
    switch tag.dropFirst(Self.tagPrefix.count) {
    case "str": return .string(string)
    case "null": return .null
    case "bool": resolution = ScalarResolver.bool(text).map { .value(.bool($0)) }
    case "int":
      resolution = text.isEmpty ? nil : ScalarResolver.number(text)
      if case .value(.float) = resolution {
        reportInvalid("invalid literal for int()", text, span)
        return .string(string)
      }
    case "float":
      if case .value(.int(let value)) = text.isEmpty ? nil : ScalarResolver.number(text) {
        return .float(Double(value))
      }
      resolution = Double(string).map { .value(.float($0)) } ?? ScalarResolver.resolve(text)
    case "timestamp": resolution = ScalarResolver.timestamp(text)
    default:
      reportTag(tag, span)
      return .string(string)
    }
    switch resolution {
    case .value(let datum): return datum
    case .invalid(let problem): reportInvalid(problem, text, span)
    default: reportInvalid("the text does not fit the tag", text, span)
    }
    return .string(string)
  }

  // MARK: Events

  private mutating func advance() -> Bool {
    yaml_event_delete(event)
    if yaml_parser_parse(parser, event) == 1 { return true }
    reportSyntax()
    return false
  }

  private var eventSpan: TextSpan {
    mutating get {
      let start = offsets.byte(at: event.pointee.start_mark.index)
      let end = offsets.byte(at: event.pointee.end_mark.index)
      return TextSpan(file: file, start: start, end: end)
    }
  }

  private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>) -> String {
    String(cString: pointer)
  }

  // MARK: Diagnostics

  private mutating func report(
    _ id: String,
    _ message: String,
    severity: Diagnostic.Severity = .error,
    _ span: TextSpan,
    hint: String? = nil
  ) {
    diagnostics.append(
      Diagnostic(id: id, severity: severity, message: message, span: span, hint: hint)
    )
  }

  private mutating func reportTag(_ tag: String, _ span: TextSpan) {
    let shown =
      tag.hasPrefix(Self.tagPrefix) ? "!!" + tag.dropFirst(Self.tagPrefix.count) : tag
    report(
      "yaml.tag",
      "could not determine a constructor for the tag '\(shown)'",
      span,
      hint: "quote the text if it should begin with '!'"
    )
  }

  private mutating func reportInvalid(
    _ problem: String,
    _ text: UnsafeBufferPointer<UInt8>,
    _ span: TextSpan
  ) {
    report(
      "yaml.invalid-value",
      problem,
      span,
      hint: "quote the value if it is meant as text: \"\(String(decoding: text, as: UTF8.self))\""
    )
  }

  private mutating func reportDuplicate(_ key: YAMLNode, earlier: YAMLNode) {
    diagnostics.append(
      Diagnostic(
        id: "yaml.duplicate-key",
        severity: .warning,
        message: "duplicate key '\(key.keyText)': the last one wins",
        span: key.span,
        hint: "remove one of them; the first is on line \(earlier.span.position.line)"
      )
    )
  }

  private mutating func reportCollectionKey(_ key: YAMLNode, in outer: TextSpan) {
    let start = outer.start
    let isTemplate =
      start + 1 < bytes.count && bytes[start] == UInt8(ascii: "{")
      && bytes[start + 1] == UInt8(ascii: "{")
    guard isTemplate else {
      report(
        "yaml.collection-key",
        "found unhashable key: \(key.kindName) cannot be the key of a mapping",
        key.span,
        hint: "quote the key if it is meant as text"
      )
      return
    }
    var end = start
    while end < bytes.count, bytes[end] != UInt8(ascii: "\n"), bytes[end] != UInt8(ascii: "\r") {
      end += 1
      if end - start >= 4, bytes[end - 1] == UInt8(ascii: "}"), bytes[end - 2] == UInt8(ascii: "}")
      {
        break
      }
    }
    let span = TextSpan(file: file, start: start, end: end)
    report(
      "yaml.unquoted-template",
      "found unhashable key: a template stands here without quotes",
      span,
      hint: "quote the template: \(Self.quoted(span.text))"
    )
  }

  private static func quoted(_ text: String) -> String {
    text.contains("\"") ? "'\(text)'" : "\"\(text)\""
  }

  private mutating func reportSyntax() {
    let parser = parser.pointee
    let problem = parser.problem.map { String(cString: $0) } ?? "cannot read this as YAML"
    let context = parser.context.map { String(cString: $0) }
    if parser.error == YAML_READER_ERROR {
      let at = min(parser.problem_offset, bytes.count)
      report(
        "yaml.encoding",
        problem,
        TextSpan(file: file, start: at, end: min(at + 1, bytes.count)),
        hint: problem.contains("control")
          ? "remove the invisible character" : "save the file as UTF-8"
      )
      return
    }
    let at = offsets.byte(at: parser.problem_mark.index)
    let contextAt = offsets.byte(at: parser.context_mark.index)
    let message = context.map { "\($0): \(problem)" } ?? problem
    if let template = unquotedTemplate(at: at)
      ?? (context == nil ? nil : unquotedTemplate(at: contextAt))
    {
      // The key before it was reported already, with less of the line.
      diagnostics.removeAll {
        $0.id == "yaml.unquoted-template" && $0.span?.start == template.start
      }
      report(
        "yaml.unquoted-template",
        message,
        template,
        hint: "a value that begins with a template needs quotes: \(Self.quoted(template.text))"
      )
      return
    }
    if let context, context.contains("quoted scalar"), problem.contains("unexpected end") {
      report(
        "yaml.syntax",
        message,
        TextSpan(file: file, start: contextAt, end: contextAt + 1),
        hint: "this quote is never closed"
      )
      return
    }
    let span = TextSpan(file: file, start: at, end: min(at + 1, bytes.count))
    report("yaml.syntax", message, span, hint: hint(for: problem, at: at, contextAt: contextAt))
  }

  private func hint(for problem: String, at: Int, contextAt: Int) -> String? {
    let byte = at < bytes.count ? bytes[at] : 0
    if problem.contains("tab") || byte == UInt8(ascii: "\t") || lineIndentHasTab(at) {
      return "indent with spaces: YAML does not allow tabs there"
    }
    if problem.contains("cannot start any token") {
      return "quote a value that begins with '\(Character(Unicode.Scalar(byte)))'"
    }
    if problem.contains("mapping values are not allowed") {
      return "check the indentation, and quote a text that holds ': '"
    }
    if problem.contains("did not find expected key")
      || problem.contains("did not find expected '-' indicator")
      || problem.contains("could not find expected ':'")
    {
      let line = file.position(at: contextAt).line
      return "check the indentation: this line does not fit the block that begins on line \(line)"
    }
    if problem.contains("',' or") {
      let line = file.position(at: contextAt).line
      return "close the bracket opened on line \(line), "
        + "or quote a text in it that holds commas, quotes or brackets"
    }
    return nil
  }

  private func lineIndentHasTab(_ at: Int) -> Bool {
    var start = min(at, bytes.count)
    while start > 0, bytes[start - 1] != UInt8(ascii: "\n") { start -= 1 }
    while start < bytes.count {
      if bytes[start] == UInt8(ascii: "\t") { return true }
      if bytes[start] != UInt8(ascii: " ") { return false }
      start += 1
    }
    return false
  }

  /// The value on the line of `at` that begins with `{{` or `{%`, to the end of the line.
  private func unquotedTemplate(at: Int) -> TextSpan? {
    let line = file.lineRange(file.position(at: at).line)
    var previous: UInt8 = UInt8(ascii: ":")
    var index = line.lowerBound
    while index + 1 < line.upperBound {
      let byte = bytes[index]
      if byte == UInt8(ascii: "#") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        return nil
      }
      if byte == UInt8(ascii: "{"),
        bytes[index + 1] == UInt8(ascii: "{") || bytes[index + 1] == UInt8(ascii: "%")
      {
        guard previous == UInt8(ascii: ":") || previous == UInt8(ascii: "-") else { return nil }
        var end = line.upperBound
        while end > index, bytes[end - 1] == UInt8(ascii: " ") { end -= 1 }
        return TextSpan(file: file, start: index, end: end)
      }
      if byte != UInt8(ascii: " ") { previous = byte }
      index += 1
    }
    return nil
  }
}

/// Collects the pairs of a mapping in the order of a Python dictionary.
private struct MappingBuilder {
  private var merged: [(key: YAMLNode, value: YAMLNode)] = []
  private var own: [(key: YAMLNode, value: YAMLNode)] = []
  /// Places by key, made when scanning would take too long.
  private var index: [Datum: Int] = [:]

  /// Returns the earlier key when there is one; its value is replaced.
  mutating func set(_ key: YAMLNode, _ name: Datum, _ value: YAMLNode) -> YAMLNode? {
    let name = Self.comparable(name)
    let place: Int?
    if own.count < 16 {
      place = own.firstIndex { Self.comparable($0.key.scalar ?? .null) == name }
    } else {
      if index.isEmpty {
        for (place, entry) in own.enumerated() {
          index[Self.comparable(entry.key.scalar ?? .null)] = place
        }
      }
      place = index[name]
    }
    guard let place else {
      if !index.isEmpty { index[name] = own.count }
      own.append((key, value))
      return nil
    }
    let earlier = own[place].key
    own[place] = (YAMLNode(earlier.value, at: key.span), value)
    return earlier
  }

  /// Python takes 1, 1.0 and true for the same key.
  private static func comparable(_ name: Datum) -> Datum {
    switch name {
    case .bool(let bool): .int(bool ? 1 : 0)
    case .float(let double): Int(exactly: double).map { .int($0) } ?? name
    default: name
    }
  }

  mutating func merge(_ entries: [(key: YAMLNode, value: YAMLNode)]) { merged += entries }

  /// Merged pairs come first; own pairs replace them in place.
  var finished: [(key: YAMLNode, value: YAMLNode)] {
    guard !merged.isEmpty else { return own }
    var all = MappingBuilder()
    for entry in merged + own { _ = all.set(entry.key, entry.key.scalar ?? .null, entry.value) }
    return all.own
  }
}

/// Byte offsets of libyaml's marks, which count characters.
private struct OffsetCursor {
  private let bytes: UnsafeBufferPointer<UInt8>
  private let isASCII: Bool
  /// Bytes before the first mark.
  private let skipped: Int
  private var character = 0
  private var offset: Int

  init(bytes: UnsafeBufferPointer<UInt8>, skipped: Int) {
    self.bytes = bytes
    self.skipped = skipped
    offset = skipped
    isASCII = bytes.allSatisfy { $0 < 0x80 }
  }

  /// Marks come nearly in order, so walking from the last one is cheap.
  mutating func byte(at mark: Int) -> Int {
    if isASCII { return min(mark + skipped, bytes.count) }
    while character < mark, offset < bytes.count {
      offset += 1
      while offset < bytes.count, bytes[offset] & 0xC0 == 0x80 { offset += 1 }
      character += 1
    }
    while character > mark, offset > skipped {
      offset -= 1
      while offset > skipped, bytes[offset] & 0xC0 == 0x80 { offset -= 1 }
      character -= 1
    }
    return offset
  }
}
