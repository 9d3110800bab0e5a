import SectoralProject
import SectoralText
import SectoralYAML
import Synchronization

/// YAML files that are looked into for the places of messages: a thousand tests that fail may stand in one.
final class ParsedFiles: Sendable {
  private let roots = Mutex<[ObjectIdentifier: (file: SourceFile, root: YAMLNode?)]>([:])

  func root(of file: SourceFile) -> YAMLNode? {
    if let known = roots.withLock({ $0[ObjectIdentifier(file)] }) { return known.root }
    let root = YAMLParser.parse(file).root
    roots.withLock { $0[ObjectIdentifier(file)] = (file, root) }
    return root
  }
}

/// Where the settings of a node are written: in its properties, in its own `config()`, in
/// dbt_project.yml.
///
/// The files are parsed again for it, each once, which only who failed pays for.
struct DeclaredPlaces {
  /// A text among the settings.
  private struct Leaf {
    /// Keys, and `[]` for a place in a list.
    let path: [String]
    let text: String
    let span: TextSpan
  }

  private let node: Node
  /// The node's entry in a properties file.
  private let entry: YAMLNode?
  private let leaves: [Leaf]

  init(_ node: Node, _ workspace: Workspace) {
    self.node = node
    let files = workspace.parsedFiles
    entry = (node.properties ?? node.declaration).flatMap { Self.entry(at: $0, files) }
    var leaves = entry.map { Self.leaves(of: $0) } ?? []
    let settings = Self.texts(of: node)
    if let source = node.source { leaves += Self.arguments(of: source, among: settings) }
    let package = workspace.package(node.packageName)
    leaves += leaves.filter { $0.path.last == "fixture" }.flatMap { leaf in
      (package?.files ?? []).filter {
        $0.kind == .fixture && FileSystem.stem(of: $0.path) == leaf.text
      }.map { Leaf(path: ["rows"], text: $0.text, span: $0.span) }
    }
    let own = package.map { [$0] } ?? []
    for definition in (own + [workspace.root]).map(\.definition.file) {
      guard let root = files.root(of: definition) else { continue }
      leaves += Self.leaves(of: root).filter { settings.contains($0.text) }
    }
    self.leaves = leaves
  }

  // MARK: Looking up

  /// The setting whose text was put into a statement as it is, around the place of the error.
  func setting(around place: ErrorPlace) -> TextSpan? {
    var best: (leaf: Leaf, offset: Int)?
    for leaf in leaves {
      let text = Array(leaf.text.trimmingBlanks.utf8)
      guard text.count > 1, text.count > best?.leaf.text.trimmingBlanks.utf8.count ?? 0,
        let start = place.start(of: text)
      else { continue }
      let lead = leaf.text.utf8.prefix { $0.isBlank }.count
      best = (leaf, place.offset - start + lead)
    }
    return best.map { Self.place(of: $0.offset, in: $0.leaf.text, at: $0.leaf.span) }
  }

  /// The setting that is a name, or speaks of it.
  ///
  /// `keys`: the settings that may; nil: all of them.
  func setting(naming name: String, under keys: Set<String>? = nil) -> TextSpan? {
    func isAllowed(_ leaf: Leaf) -> Bool {
      keys.map { keys in leaf.path.contains { keys.contains($0.settingName) } } ?? true
    }
    if let leaf = leaves.first(where: { $0.text == name && isAllowed($0) }) { return leaf.span }
    let word = Array(name.utf8)
    for leaf in leaves where isAllowed(leaf) {
      if let start = Array(leaf.text.utf8).firstWord(word) {
        return Self.place(of: start, in: leaf.text, at: leaf.span)
      }
    }
    return nil
  }

  /// The setting of the node that a message speaks of by its key.
  func setting(spokenOfIn message: String) -> TextSpan? {
    let words = Set(message.split { !$0.isLetter && $0 != "_" }.map(String.init))
    // Other keys are words of prose as well.
    return leaves.first { leaf in
      leaf.path.last { $0 != "[]" }.map { key in
        key.contains("_") && words.contains(key.settingName)
          && node.config[ConfigBuilder.canonicalKey(key.settingName)] != nil
      } ?? false
    }?.span
  }

  /// A place in the text of a setting, which was rendered.
  func place(of offset: Int, inText text: String) -> TextSpan? {
    leaves.first { $0.text == text }.map { Self.place(of: offset, in: text, at: $0.span) }
  }

  /// The constraint of a contract that rows have violated.
  ///
  /// `columns`: those that the server named; `name`: of the constraint.
  func constraint(_ types: Set<String>, columns: [String], name: String?) -> TextSpan? {
    guard let entry else { return nil }
    let all = (entry["columns"]?.sequence ?? []).flatMap { column in
      (column["constraints"]?.sequence ?? []).map { (column["name"]?.string, $0) }
    }
    let ofModel = (entry["constraints"]?.sequence ?? []).map { (nil as String?, $0) }
    let fitting = (all + ofModel).filter { types.contains($0.1["type"]?.string ?? "") }
    func isOf(_ columns: [String], _ column: String?, _ constraint: YAMLNode) -> Bool {
      let own = column.map { [$0] } ?? constraint["columns"]?.sequence?.compactMap(\.string) ?? []
      return !own.isEmpty && own.allSatisfy { one in columns.contains { $0.isSameName(as: one) } }
    }
    let found =
      fitting.first { name != nil && $0.1["name"]?.string == name }
      ?? fitting.first { isOf(columns, $0.0, $0.1) }
      ?? fitting.first { column, _ in column.map { name?.contains($0) ?? false } ?? false }
      ?? (fitting.count == 1 ? fitting.first : nil)
    return found.map { ($0.1["type"] ?? $0.1).span }
  }

  /// Where a column of the contract is described.
  func column(_ name: String) -> TextSpan? {
    entry?["columns"]?.sequence?.first { $0["name"]?.string?.isSameName(as: name) ?? false }
      .map { ($0["data_type"] ?? $0["name"] ?? $0).span }
  }

  /// The value of a row of a unit test that was sent as a literal.
  func cell(_ text: String, column: String?) -> TextSpan? {
    let cells = leaves.filter { $0.text == text && $0.path.contains("rows") }
    if let cell = cells.first(where: { column != nil && $0.path.last == column }) ?? cells.first {
      return cell.span
    }
    // CSV is one text.
    let word = Array(text.utf8)
    for leaf in leaves where leaf.path.last == "rows" {
      if let start = Array(leaf.text.utf8).firstWord(word) {
        return Self.place(of: start, in: leaf.text, at: leaf.span)
      }
    }
    return nil
  }

  /// The first value of a column in the rows of a unit test.
  func cells(of column: String) -> TextSpan? {
    let cells = leaves.filter { $0.path.contains("rows") }
    if let cell = cells.first(where: { $0.path.last?.isSameName(as: column) ?? false }) {
      return cell.span
    }
    return cell(column, column: nil)
  }

  /// Where a unit test names one of its inputs.
  func input(_ text: String) -> TextSpan? {
    leaves.first { $0.path.last == "input" && $0.text == text }?.span
  }

  // MARK: Reading

  /// The mapping of a properties file that begins at a place, or has its name there.
  private static func entry(at span: TextSpan, _ files: ParsedFiles) -> YAMLNode? {
    func search(_ node: YAMLNode) -> YAMLNode? {
      if node.span.start == span.start, node.span.file === span.file { return node }
      switch node.value {
      case .scalar: return nil
      case .sequence(let items):
        for item in items { if let found = search(item) { return found } }
      case .mapping(let entries):
        if entries.contains(where: {
          $0.key.span.start == span.start
            || ($0.key.keyText == "name" && $0.value.span.start == span.start)
        }) {
          return node
        }
        for (_, value) in entries { if let found = search(value) { return found } }
      }
      return nil
    }
    return files.root(of: span.file).flatMap(search)
  }

  private static func leaves(of node: YAMLNode, _ path: [String] = []) -> [Leaf] {
    switch node.value {
    case .scalar(let datum):
      datum.isNull ? [] : [Leaf(path: path, text: datum.pythonText, span: node.span)]
    case .sequence(let items): items.flatMap { leaves(of: $0, path + ["[]"]) }
    case .mapping(let entries):
      entries.flatMap { leaves(of: $0.value, path + [$0.key.keyText]) }
    }
  }

  /// All texts among a node's settings.
  private static func texts(of node: Node) -> Set<String> {
    var texts: Set<String> = []
    func add(_ datum: Datum) {
      switch datum {
      case .map(let map): for (_, value) in map.entries { add(value) }
      case .list(let items): for item in items { add(item) }
      case .string(let text): texts.insert(text)
      default: break
      }
    }
    add(.map(node.config))
    return texts
  }

  /// The texts of settings in the `config()` calls of a node's file.
  private static func arguments(of source: TextSpan, among settings: Set<String>) -> [Leaf] {
    let bytes = source.file.bytes
    var leaves: [Leaf] = []
    var start = source.start
    while let call = bytes[start..<source.end].firstIndex(of: "config(") {
      var depth = 0
      var end = call
      while end < source.end {
        if bytes[end] == UInt8(ascii: "(") { depth += 1 }
        if bytes[end] == UInt8(ascii: ")") { depth -= 1 }
        end += 1
        if bytes[end - 1] == UInt8(ascii: ")"), depth == 0 { break }
      }
      for text in settings where !text.isEmpty {
        guard let found = bytes[call..<end].firstQuoted(Array(text.utf8)) else { continue }
        let key = keyName(before: found, in: bytes, from: call)
        let span = TextSpan(file: source.file, start: found, end: found + text.utf8.count)
        leaves.append(Leaf(path: key.map { [$0] } ?? [], text: text, span: span))
      }
      start = end
    }
    return leaves
  }

  /// The name in front of the last `=` before a place.
  private static func keyName(before place: Int, in bytes: [UInt8], from start: Int) -> String? {
    guard let sign = bytes[start..<place].lastIndex(of: UInt8(ascii: "=")) else { return nil }
    let head = bytes[start..<sign].reversed().drop { $0.isBlank }
    let word = head.prefix { $0.isWordByte }
    return word.isEmpty ? nil : String(decoding: word.reversed(), as: UTF8.self)
  }

  /// The word at a byte of a scalar's text; the scalar as a whole where its text is written otherwise.
  private static func place(of offset: Int, in text: String, at span: TextSpan) -> TextSpan {
    let bytes = Array(text.utf8)
    let offset = min(max(offset, 0), bytes.count)
    let lineStart = (bytes[..<offset].lastIndex(of: 0x0A) ?? -1) + 1
    let lineEnd = bytes[offset...].firstIndex(of: 0x0A) ?? bytes.count
    let line = Array(bytes[lineStart..<lineEnd])
    // The same line may stand there several times.
    var repeated = bytes[..<lineStart].split(separator: 0x0A).count { Array($0) == line }
    let file = span.file.bytes
    var from = span.start
    while !line.isEmpty, let found = file[from..<span.end].start(of: line) {
      if repeated == 0 {
        let start = found + offset - lineStart
        let end = file[start..<span.end].firstIndex { !$0.isWordByte } ?? span.end
        return TextSpan(file: span.file, start: start, end: max(start + 1, end))
      }
      repeated -= 1
      from = found + line.count
    }
    return span
  }
}

extension String {
  /// A configuration's name, however it is spelt: `+post-hook` is `post_hook`.
  fileprivate var settingName: String {
    (hasPrefix("+") ? String(dropFirst()) : self).replacing("-", with: "_")
  }

  fileprivate func isSameName(as other: String) -> Bool { lowercased() == other.lowercased() }
}

extension UInt8 {
  var isBlank: Bool { self == 0x20 || (0x09...0x0D).contains(self) }

  /// Of a name or a number in SQL.
  var isWordByte: Bool {
    self == 0x5F || (0x30...0x39).contains(self) || (0x61...0x7A).contains(self | 0x20)
      || self >= 0x80
  }
}

extension Collection<UInt8> where Index == Int {
  /// Where another text begins in this one.
  func start(of other: [UInt8]) -> Int? {
    guard let head = other.first, other.count <= count else { return nil }
    let last = endIndex - other.count
    var index = startIndex
    while index <= last {
      guard let next = self[index...last].firstIndex(of: head) else { return nil }
      if self[next..<next + other.count].elementsEqual(other) { return next }
      index = next + 1
    }
    return nil
  }

  fileprivate func firstIndex(of word: String) -> Int? { start(of: Array(word.utf8)) }

  /// Where a text stands as a word of its own.
  func firstWord(_ word: [UInt8]) -> Int? {
    first(word) { before, after in
      !(before.map(\.isWordByte) ?? false) && !(after.map(\.isWordByte) ?? false)
    }
  }

  /// Where a text stands between quotes.
  fileprivate func firstQuoted(_ text: [UInt8]) -> Int? {
    first(text) { before, after in
      before == after && [UInt8(ascii: "'"), UInt8(ascii: "\"")].contains(before ?? 0)
    }
  }

  private func first(_ text: [UInt8], _ fits: (UInt8?, UInt8?) -> Bool) -> Int? {
    var from = startIndex
    while from < endIndex, let found = self[from...].start(of: text) {
      let end = found + text.count
      if fits(found > startIndex ? self[found - 1] : nil, end < endIndex ? self[end] : nil) {
        return found
      }
      from = found + 1
    }
    return nil
  }
}
