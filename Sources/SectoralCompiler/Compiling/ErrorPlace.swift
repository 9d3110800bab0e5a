import SectoralJinja
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

extension RunContext {
  /// A node's error; what the database says is mapped back to the project's files.
  func failure(_ error: TemplateError, _ compiled: CompiledSQL?) -> Failure {
    var failure = Failure(error, node: node)
    if error.kind == .undefined { suggest(in: &failure.diagnostics) }
    if let payload = error.payload as? WarehouseFailure, !failure.diagnostics.isEmpty {
      place(payload.error, compiled, in: &failure.diagnostics[0])
    }
    return failure
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

  private func place(
    _ database: WarehouseError,
    _ compiled: CompiledSQL?,
    in diagnostic: inout Diagnostic
  ) {
    if database.kind == .connection || database.kind == .lost {
      diagnostic.span = nil
      diagnostic.trail = []
      diagnostic.hint = diagnostic.hint ?? database.hint
      return
    }
    if let path = node?.buildPath { diagnostic.message += "\ncompiled code at \(path)" }
    if let line = database.context.flatMap(Self.copyLine), let row = seedRow(line) {
      diagnostic.span = row
      diagnostic.trail = []
      return
    }
    if workspace.profile.type == "redshift", let node,
      let found = RedshiftRules.hint(for: database, of: node)
    {
      diagnostic.hint = found.hint
      diagnostic.span = found.span
      diagnostic.trail = []
      return
    }
    guard database.kind == .statement, let sql = database.sql, let position = database.position
    else {
      // Without a position the first line is no better than any other.
      if let start = node?.source?.start, start == diagnostic.span?.start, diagnostic.trail.isEmpty
      {
        diagnostic.span = nil
      }
      return
    }
    let place = ErrorPlace(of: position, in: sql)
    if let compiled, let origin = place.origin(in: compiled, node) {
      diagnostic.span = origin.span
      diagnostic.trail = origin.callee.flatMap(macroFrame).map { [$0] } ?? []
    } else if let (model, origin) = compiled.flatMap({ ephemeralOrigin(of: place, in: $0) }) {
      diagnostic.span = origin.span
      diagnostic.trail = origin.callee.flatMap(macroFrame).map { [$0] } ?? []
      let label = "ephemeral model \(model.name), which \(node?.name ?? "the query") refers to"
      diagnostic.trail.append(Diagnostic.Frame(label: label, span: nil))
    } else if let span = place.origin(inHooksOf: node, workspace) {
      diagnostic.span = span
      diagnostic.trail = []
    } else if node?.resourceType == .sqlOperation, diagnostic.trail.isEmpty {
      // In what `show` puts behind the text, which is nowhere in it; the server's lines show it.
      diagnostic.span = nil
    } else if diagnostic.span == nil, node?.source != nil || node?.resourceType == .seed {
      let file = SourceFile(path: "the SQL that was sent", text: sql)
      diagnostic.span = TextSpan(file: file, start: place.offset, end: place.end)
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
      let isBlank = file.bytes[start...index].allSatisfy(RenderMap.isBlank)
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

  /// The place in an ephemeral model whose text was put into the statement.
  private func ephemeralOrigin(
    of place: ErrorPlace,
    in compiled: CompiledSQL
  ) -> (model: Node, origin: (span: TextSpan, callee: String?))? {
    for cte in compiled.ctes {
      guard let own = compiler.compiledEphemeral(cte.uniqueID),
        let model = compiler.manifest.node(cte.uniqueID)
      else { continue }
      let alone = CompiledSQL(text: own.ownText, ownText: own.ownText, ctes: [], map: own.map)
      if let origin = place.origin(in: alone, model) { return (model, origin) }
    }
    return nil
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
      Diagnostic.Frame(label: "the text of macro \($0.macro.name)", span: $0.macro.span)
    }
  }
}

/// From a position in a sent statement to a place in the project's files.
struct ErrorPlace {
  private let sent: [UInt8]
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
    end = max(offset + 1, RenderMap.wordEnd(in: sent, from: offset))
  }

  /// The place in the node's own file, and the call that gave the text there.
  func origin(
    in compiled: CompiledSQL,
    _ node: Node?
  ) -> (span: TextSpan, callee: String?)? {
    let text = Array(compiled.text.trimmingBlanks.utf8)
    // What a materialization may have cut off in front.
    let lead = Array(compiled.text.utf8.prefix { RenderMap.isBlank($0) }).count
    guard let start = Self.firstIndex(of: text, in: sent), offset >= start,
      offset <= start + text.count
    else { return nil }
    let inText = offset - start + lead
    let full = Array(compiled.text.utf8)
    let own = Array(compiled.ownText.utf8)
    // CTEs are put in at one place: bytes before it keep their offset, those behind it shift.
    let shift = full.count - own.count
    guard shift >= 0 else { return nil }
    var common = 0
    while common < own.count, own[common] == full[common] { common += 1 }
    if shift > 0, inText >= common, inText < common + shift { return nil }
    let inOwn = shift > 0 && inText >= common + shift ? inText - shift : inText
    if let map = compiled.map { return map.origin(of: inOwn) }
    return nil
  }

  /// The place of a hook that was sent as it is written.
  func origin(inHooksOf node: Node?, _ workspace: Workspace) -> TextSpan? {
    guard let node else { return nil }
    let files = [node.source?.file, workspace.root.definition.file].compactMap { $0 }
    for key in ["pre-hook", "post-hook"] {
      guard case .list(let hooks)? = node.config[key] else { continue }
      for hook in hooks {
        guard let sql = hook.map?["sql"]?.string ?? hook.string else { continue }
        let text = Array(sql.trimmingBlanks.utf8)
        guard let start = Self.firstIndex(of: text, in: sent), offset >= start,
          offset <= start + text.count
        else { continue }
        for file in files {
          guard let place = Self.firstIndex(of: text, in: file.bytes) else { continue }
          return TextSpan(
            file: file,
            start: place + offset - start,
            end: place + end - start
          )
        }
      }
    }
    return nil
  }

  private static func firstIndex(of needle: [UInt8], in hay: [UInt8]) -> Int? {
    guard let first = needle.first, needle.count <= hay.count else { return nil }
    var start = 0
    while start <= hay.count - needle.count {
      guard let next = hay[start...(hay.count - needle.count)].firstIndex(of: first) else {
        return nil
      }
      if hay[next..<next + needle.count].elementsEqual(needle) { return next }
      start = next + 1
    }
    return nil
  }
}
