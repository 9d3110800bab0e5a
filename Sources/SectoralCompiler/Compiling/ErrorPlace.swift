import SectoralJinja
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

extension RunContext {
  /// A node's error; what the database says is mapped back to the project's files.
  func failure(_ error: TemplateError, _ compiled: CompiledSQL?) -> Failure {
    var failure = Failure(error, node: node)
    tellCalls(of: error, in: &failure)
    if error.kind == .undefined { suggest(in: &failure.diagnostics) }
    for index in failure.diagnostics.indices { leaveExcerpts(in: &failure.diagnostics[index]) }
    guard !failure.diagnostics.isEmpty else { return failure }
    if let payload = error.payload as? WarehouseFailure {
      place(payload.error, compiled, in: &failure.diagnostics[0])
    } else if failure.diagnostics[0].span == nil, let node {
      // A built-in macro refused it: because of its contract, or a setting that it speaks of.
      let declared = DeclaredPlaces(node, workspace)
      if let mismatch = error.payload as? ContractMismatch {
        point(at: mismatch, declared, in: &failure.diagnostics[0])
      } else {
        failure.diagnostics[0].span = declared.setting(
          spokenOfIn: failure.diagnostics[0].message
        )
      }
    }
    return failure
  }

  /// Tells of the macros on the way as dbt does: of what a macro raises, and of names and types that are wrong
  /// in it, but not of what the database says or of other errors of Python's.
  private func tellCalls(of error: TemplateError, in failure: inout Failure) {
    // Jinja's TemplateRuntimeError and those that are kinds of it.
    let wrapped: Set<ErrorKind> = [
      .undefined, .type, .filterArgument, ErrorKind(rawValue: "TemplateRuntimeError"),
    ]
    let isWrapped = wrapped.contains(error.kind)
    guard isWrapped || error.kind == .compilation, let node else { return }
    let entries = workspace.macros.tables.values.flatMap(\.values)
    var macros = error.diagnostic.trail.compactMap { frame in
      entries.first { entry in
        entry.label == frame.label && (frame.span.map { $0.file === entry.macro.span.file } ?? true)
      }?.macro
    }
    // An error of Jinja's becomes dbt's in the innermost macro, which is not among those that dbt lists. Arguments
    // that do not fit are an error of the macro that was not entered.
    if isWrapped, error.diagnostic.id != "jinja.unexpected-argument", !macros.isEmpty {
      macros.removeFirst()
    }
    guard !macros.isEmpty else { return }
    failure.calls = macros.map { "macro \($0.name) (\($0.originalFilePath))" } + [node.words]
  }

  private func point(
    at mismatch: ContractMismatch,
    _ declared: DeclaredPlaces,
    in diagnostic: inout Diagnostic
  ) {
    let columns = mismatch.columns.compactMap { name in declared.column(name).map { (name, $0) } }
    diagnostic.span = columns.first?.1
    guard columns.count > 1 else { return }
    diagnostic.hint =
      "the contract's columns: "
      + columns.map { "\($0) at \($1.placeText)" }.joined(separator: ", ")
  }

  /// `'cents' is undefined`: perhaps a macro is spelt a little differently.
  private func suggest(in diagnostics: inout [Diagnostic]) {
    for index in diagnostics.indices where diagnostics[index].hint == nil {
      let parts = diagnostics[index].message.split(separator: "'", maxSplits: 2)
      guard diagnostics[index].message.hasPrefix("'"), let name = parts.first else { continue }
      let names = workspace.macros.names(for: packageName)
      diagnostics[index].hint = Spelling.nearest(to: String(name), among: names).map {
        "did you mean '\($0)'?"
      }
    }
  }

  /// Texts of settings that were rendered stand somewhere in a file.
  private func leaveExcerpts(in diagnostic: inout Diagnostic) {
    let spans = [diagnostic.span] + diagnostic.trail.map(\.span)
    guard let node, spans.contains(where: { $0?.file.isExcerpt ?? false }) else { return }
    let declared = DeclaredPlaces(node, workspace)
    func resolved(_ span: TextSpan?) -> TextSpan? {
      guard let span, span.file.isExcerpt else { return span }
      return declared.place(of: span.start, inText: span.file.text) ?? span
    }
    diagnostic.span = resolved(diagnostic.span)
    diagnostic.trail = diagnostic.trail.map {
      Diagnostic.Frame(label: $0.label, span: resolved($0.span))
    }
  }

  private func place(
    _ database: WarehouseError,
    _ compiled: CompiledSQL?,
    in diagnostic: inout Diagnostic
  ) {
    let hints = StatementHints(compiler: compiler, node: node, packageName: packageName)
    if database.kind == .connection || database.kind == .lost {
      diagnostic.span = nil
      diagnostic.trail = []
      diagnostic.hint =
        diagnostic.hint ?? database.hint ?? hints.hint(for: database, at: nil, callee: nil)
      return
    }
    if let path = node?.buildPath { diagnostic.message += "\ncompiled code at \(path)" }
    if let line = database.context.flatMap(Self.copyLine), let row = seedRow(line) {
      diagnostic.span = row
      diagnostic.trail = []
      diagnostic.hint = diagnostic.hint ?? hints.hint(for: database, at: nil, callee: nil)
      return
    }
    if workspace.profile.type == "redshift", let node,
      let found = RedshiftRules.hint(
        for: database,
        of: node,
        in: workspace,
        known: { askedColumns(of: compiled) }
      )
    {
      diagnostic.hint = found.hint
      diagnostic.span = found.span
      diagnostic.trail = []
      return
    }
    let place = database.position.flatMap { position in
      database.sql.map { ErrorPlace(of: position, in: $0) }
    }
    let declared = node.map { DeclaredPlaces($0, workspace) }
    var callee: String?
    if let place {
      callee = point(at: place, compiled, declared, in: &diagnostic)
    } else if database.kind == .statement {
      if let span = declared.flatMap({ setting(of: database, in: $0) }) {
        diagnostic.point(at: span)
      } else if let start = node?.source?.start, start == diagnostic.span?.start,
        diagnostic.trail.isEmpty
      {
        // Without a position the first line is no better than any other.
        diagnostic.span = nil
      }
    }
    diagnostic.hint = diagnostic.hint ?? hints.hint(for: database, at: place, callee: callee)
  }

  /// Points at what stands at a place of the statement.
  ///
  /// Returns the function of the template that gave the text there, where it was one.
  private func point(
    at place: ErrorPlace,
    _ compiled: CompiledSQL?,
    _ declared: DeclaredPlaces?,
    in diagnostic: inout Diagnostic
  ) -> String? {
    if let origin = origin(of: place, compiled, declared) {
      // The calls that were running say where a text was sent, and not only where it is written.
      let running = Dictionary(
        diagnostic.trail.map { ($0.label, $0) },
        uniquingKeysWith: { first, _ in first }
      )
      let known = Set(origin.trail.map(\.label))
      diagnostic.trail =
        origin.trail.map { running[$0.label] ?? $0 }
        + diagnostic.trail.filter { !known.contains($0.label) }
      if let entry = testEntry, entry.file !== origin.span.file {
        let label = "\(node?.resourceType == .test ? "test" : "unit test") \(node?.name ?? "")"
        if !diagnostic.trail.contains(where: { $0.label == label }) {
          diagnostic.trail.append(Diagnostic.Frame(label: label, span: entry))
        }
      }
      diagnostic.span = origin.span
      return origin.callee
    }
    let isWritten = diagnostic.span.map { span in
      span.start != node?.source?.start && span.start != node?.declaration?.start
    }
    if isWritten ?? false, let span = diagnostic.span {
      // A query that a call was given as it is.
      diagnostic.span = place.literal(in: span) ?? span
    } else if let span = declared?.setting(around: place) {
      diagnostic.point(at: span)
    } else if let literal = place.literalText, node?.resourceType == .unitTest,
      let span = declared?.cell(literal, column: place.alias)
    {
      diagnostic.point(at: span)
    } else if node?.resourceType == .sqlOperation, diagnostic.trail.isEmpty {
      // In what `show` puts behind the text, which is nowhere in it; the server's lines show it.
      diagnostic.span = nil
    } else if let entry = testEntry {
      let word = place.word
      diagnostic.point(at: word.count > 1 ? declared?.setting(naming: word) ?? entry : entry)
    } else if diagnostic.span == nil, node?.source != nil || node?.resourceType == .seed {
      let file = SourceFile(path: "the SQL that was sent", bytes: place.sent)
      diagnostic.span = TextSpan(file: file, start: place.offset, end: place.end)
    }
    return nil
  }

  /// The entry of a test that has no file of its own.
  private var testEntry: TextSpan? {
    guard let node, node.source == nil, [.test, .unitTest].contains(node.resourceType) else {
      return nil
    }
    return node.declaration
  }

  /// The setting that a refusal without a position is about: names of columns, roles, constraints stand
  /// in its words.
  private func setting(of error: WarehouseError, in declared: DeclaredPlaces) -> TextSpan? {
    let names = error.message.namesOfThings
    // `Key (a, b)=(1, 2) already exists.`
    let key = error.detail.flatMap { detail -> [String]? in
      guard detail.hasPrefix("Key ("), let end = detail.firstIndex(of: ")") else { return nil }
      return detail[..<end].dropFirst("Key (".count).split(separator: ",").map {
        $0.filter { $0 != "\"" && $0 != " " }
      }
    }
    switch error.sqlState {
    case "23502":
      return declared.constraint(["not_null", "primary_key"], columns: names, name: nil)
    case "23505":
      return declared.constraint(["unique", "primary_key"], columns: key ?? [], name: names.last)
    case "23503":
      return declared.constraint(["foreign_key"], columns: key ?? [], name: names.last)
    case "23514": return declared.constraint(["check"], columns: [], name: names.last)
    case "42703", "42704", "42P01":
      let words = error.sql?.lowercased().split(whereSeparator: \.isWhitespace).prefix(3) ?? []
      let keys: Set<String>? =
        words.first == "grant" || words.first == "revoke"
        ? ["grants"] : words.contains("index") ? ["indexes"] : nil
      return names.lazy.compactMap { declared.setting(naming: $0, under: keys) }.first
    default: return nil
    }
  }

  /// `COPY seed, line 2, column a: "x"`
  private static func copyLine(_ context: String) -> Int? {
    guard context.hasPrefix("COPY "), let comma = context.firstRange(of: ", line ") else {
      return nil
    }
    return Int(context[comma.upperBound...].prefix { $0.isNumber })
  }

  /// A row of the seed's file, from 1, the names of the columns not counted.
  private func seedRow(_ number: Int) -> TextSpan? {
    guard let node, node.resourceType == .seed, var file = node.declaration?.file else {
      return nil
    }
    if file.bytes.count > ProjectFiles.largestSeedWithChecksum, let root = node.rootPath {
      // Of a large one only the beginning was read.
      guard let bytes = try? FileSystem.read("\(root)/\(node.originalFilePath)") else { return nil }
      file = SourceFile(path: file.path, bytes: bytes)
    }
    var row = 0
    var start = 0
    var isQuoted = false
    for (index, byte) in file.bytes.enumerated() {
      if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
      guard byte == UInt8(ascii: "\n") || index == file.bytes.count - 1, !isQuoted else { continue }
      let isBlank = file.bytes[start...index].allSatisfy(\.isBlank)
      if !isBlank {
        if row == number {
          let end = byte == UInt8(ascii: "\n") ? index : index + 1
          return TextSpan(file: file, start: start, end: end)
        }
        row += 1
      }
      start = index + 1
    }
    return nil
  }

  // MARK: Origins

  /// A place in the project's files, and how the text came from there into the statement.
  private struct Origin {
    var span: TextSpan
    var trail: [Diagnostic.Frame] = []
    var callee: String?
  }

  private func origin(
    of place: ErrorPlace,
    _ compiled: CompiledSQL?,
    _ declared: DeclaredPlaces?
  ) -> Origin? {
    let words = node.map { "\($0.resourceType.rawValue) \($0.name)" } ?? "the query"
    func origin(_ trace: [TextOrigin], _ label: String) -> Origin? {
      self.origin(trace, label, place, declared)
    }
    if let found = origin(origins?.trace(place.offset, in: place.sent) ?? [], words) {
      return found
    }
    guard let compiled else { return nil }
    let text = Array(compiled.text.trimmingBlanks.utf8)
    if place.isBehind(text), let known = compiled.origins,
      let found = origin(known.trace(text.count, in: text), words)
    {
      // The text ended before the statement could.
      return found
    }
    // CTEs stand in the middle of the text.
    if let offset = place.offset(inOwnTextOf: compiled),
      let known = compiled.origins,
      let found = origin(known.trace(offset, in: Array(compiled.ownText.utf8)), words)
    {
      return found
    }
    for cte in compiled.ctes {
      guard let own = compiler.compiledEphemeral(cte.uniqueID), let known = own.origins,
        let model = compiler.manifest.node(cte.uniqueID),
        let start = place.start(of: Array(own.ownText.trimmingBlanks.utf8)),
        var found = origin(
          known.trace(place.offset - start, in: Array(own.ownText.trimmingBlanks.utf8)),
          "ephemeral model \(model.name)"
        )
      else { continue }
      let label = "ephemeral model \(model.name), which \(node?.name ?? "the query") refers to"
      found.trail.removeAll { $0.label == "ephemeral model \(model.name)" }
      found.trail.append(Diagnostic.Frame(label: label, span: nil))
      return found
    }
    return nil
  }

  /// Of the places that a text went through, the last one that a user can open.
  private func origin(
    _ trace: [TextOrigin],
    _ words: String,
    _ place: ErrorPlace,
    _ declared: DeclaredPlaces?
  ) -> Origin? {
    let steps = trace.compactMap { step -> (step: TextOrigin, span: TextSpan)? in
      if step.span.file.isBuiltIn { return nil }
      guard step.span.file.isExcerpt else { return (step, step.span) }
      return declared?.place(of: step.span.start, inText: step.span.file.text).map { (step, $0) }
    }
    guard let last = steps.last else { return nil }
    var origin = Origin(span: last.span, callee: last.step.callee)
    if !last.step.isVerbatim {
      // An argument is to blame, and not what it was given to.
      let word = place.word
      let argument = steps.reversed().lazy
        .compactMap { $0.step.isVerbatim ? nil : place.literal(word, in: $0.span) }.first
      origin.span = argument ?? origin.span
    }
    if steps.contains(where: { $0.step.label?.hasPrefix("macro ") ?? false }) {
      origin.trail = steps.reversed().compactMap { step, span in
        step.label == "call block" ? nil : Diagnostic.Frame(label: step.label ?? words, span: span)
      }
    } else if let callee = last.step.callee, let frame = macroFrame(callee) {
      origin.trail = [frame]
    }
    return origin
  }

  /// The macro that a call in a template means.
  private func macroFrame(_ callee: String) -> Diagnostic.Frame? {
    let parts = callee.split(separator: ".").map(String.init)
    let catalog = workspace.macros
    let entry: MacroEntry?
    switch parts.count {
    case 1:
      if case .macro(let found)? = catalog.resolve(Symbol(parts[0]), for: packageName) {
        entry = found
      } else {
        entry = nil
      }
    case 2: entry = catalog.member(Symbol(parts[1]), of: parts[0])
    default: entry = nil
    }
    return entry.map {
      $0.macro.span.file.isBuiltIn
        ? Diagnostic.Frame(label: "the text of the built-in macro \($0.macro.name)", span: nil)
        : Diagnostic.Frame(label: "the text of macro \($0.macro.name)", span: $0.macro.span)
    }
  }
}

extension Diagnostic {
  fileprivate mutating func point(at span: TextSpan) {
    self.span = span
    trail = []
  }
}

/// A place in a statement that was sent.
struct ErrorPlace {
  let sent: [UInt8]
  /// In bytes of the statement.
  let offset: Int
  let end: Int

  /// `position`: in characters from 1, as Postgres counts.
  init(of position: Int, in sql: String) {
    sent = Array(sql.utf8)
    var offset = 0
    var left = position - 1
    while offset < sent.count, left > 0 {
      offset += 1
      while offset < sent.count, sent[offset] & 0xC0 == 0x80 { offset += 1 }
      left -= 1
    }
    self.offset = offset
    end = max(offset + 1, sent[offset...].firstIndex { !$0.isWordByte } ?? sent.count)
  }

  /// The word there, without the quotes of a name or a literal; empty where there is none.
  var word: String {
    if let literalText { return literalText }
    let end = min(end, sent.count)
    guard offset < end, sent[offset].isWordByte else { return "" }
    return String(decoding: sent[offset..<end], as: UTF8.self)
  }

  var isQuoted: Bool { offset < sent.count && sent[offset] == UInt8(ascii: "\"") }

  /// What stands between the quotes that begin at the place.
  var literalText: String? {
    guard offset < sent.count, [UInt8(ascii: "'"), UInt8(ascii: "\"")].contains(sent[offset]) else {
      return nil
    }
    var text: [UInt8] = []
    var index = offset + 1
    while index < sent.count {
      if sent[index] == sent[offset] {
        // Twice, it is one of the text's own.
        guard index + 1 < sent.count, sent[index + 1] == sent[offset] else {
          return String(decoding: text, as: UTF8.self)
        }
        index += 1
      }
      text.append(sent[index])
      index += 1
    }
    return nil
  }

  /// The name behind the next `as` that is quoted: of the column whose value stands here.
  var alias: String? {
    guard let found = sent[offset...].start(of: Array(" as \"".utf8)) else { return nil }
    let start = found + 5
    guard let end = sent[start...].firstIndex(of: UInt8(ascii: "\"")) else { return nil }
    return String(decoding: sent[start..<end], as: UTF8.self)
  }

  /// Mistakes of grammar that are often made.
  var hintOfGrammar: String? {
    let before = sent[..<min(offset, sent.count)].last { !$0.isBlank }
    if before == UInt8(ascii: ","), ["from", "where", "group", ""].contains(word.lowercased()) {
      return "there is a comma too many in front of it"
    }
    return nil
  }

  /// Where a text begins in the statement that stands around the place; its end counts as a part of it.
  func start(of text: [UInt8]) -> Int? {
    guard !text.isEmpty, text.count <= sent.count else { return nil }
    let first = max(0, offset - text.count)
    let last = min(offset, sent.count - text.count)
    guard first <= last else { return nil }
    for start in (first...last).reversed()
    where sent[start] == text[0] && sent[start..<start + text.count].elementsEqual(text) {
      return start
    }
    return nil
  }

  /// The place in a call whose argument the statement was, or the word of the statement in it.
  func literal(in span: TextSpan) -> TextSpan? {
    let bytes = span.file.bytes[span.start..<min(span.end, span.file.bytes.count)]
    let text = Array(String(decoding: sent, as: UTF8.self).trimmingBlanks.utf8)
    if text.count > 1, let own = start(of: text), let found = bytes.start(of: text) {
      let start = found + offset - own
      return TextSpan(file: span.file, start: start, end: start + end - offset)
    }
    return literal(word, in: span)
  }

  /// A word of the statement in a call.
  func literal(_ word: String, in span: TextSpan) -> TextSpan? {
    let bytes = span.file.bytes[span.start..<min(span.end, span.file.bytes.count)]
    guard word.utf8.count > 1, let start = bytes.firstWord(Array(word.utf8)) else { return nil }
    return TextSpan(file: span.file, start: start, end: start + word.utf8.count)
  }

  /// Whether only closing brackets lie between the end of a text and the place.
  func isBehind(_ text: [UInt8]) -> Bool {
    let closing = [UInt8(ascii: ")"), UInt8(ascii: ";")]
    guard !text.isEmpty, offset < sent.count, closing.contains(sent[offset]) else { return false }
    var end = offset
    while end >= text.count {
      if sent[(end - text.count)..<end].elementsEqual(text) { return true }
      guard sent[end - 1].isBlank || closing.contains(sent[end - 1]) else { return false }
      end -= 1
    }
    return false
  }

  /// The place in a node's own text, into which CTEs were put: bytes in front of them keep their offset,
  /// those behind shift.
  func offset(inOwnTextOf compiled: CompiledSQL) -> Int? {
    let full = Array(compiled.text.utf8)
    let own = Array(compiled.ownText.utf8)
    guard let start = start(of: Array(compiled.text.trimmingBlanks.utf8)) else { return nil }
    // What a materialization may have cut off in front.
    let inText = offset - start + (full.firstIndex { !$0.isBlank } ?? 0)
    let shift = full.count - own.count
    guard shift > 0 else { return shift == 0 ? inText : nil }
    var common = 0
    while common < own.count, own[common] == full[common] { common += 1 }
    if inText >= common, inText < common + shift { return nil }
    return inText >= common + shift ? inText - shift : inText
  }
}
