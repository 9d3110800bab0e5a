public import SectoralText

/// A block at the top level of a file: `{% macro x() %}…{% endmacro %}`.
public struct TopLevelBlock: Sendable {
  /// "macro"
  public let tag: String
  /// What stands after the tag's name: `x()`
  public let signature: TextSpan
  /// With both tags.
  public let whole: TextSpan
  /// The same with the blanks that its tags take away, `{%-` before it and `-%}` behind it: what
  /// dbt takes for the block's text.
  public let trimming: TextSpan
  /// Between the tags, without the blanks that they take away.
  public let contents: TextSpan
}

/// Splits files into their top-level blocks without compiling them.
public enum BlockScanner {
  /// Splits a file into the blocks of the given tags. Text outside is skipped; other top-level tags
  /// are warnings (`jinja.unknown-tag`), nested and unclosed blocks errors. Raw blocks, comments,
  /// strings are understood.
  public static func blocks(
    in file: SourceFile,
    tags: Set<String>
  ) -> (
    blocks: [TopLevelBlock], diagnostics: [Diagnostic]
  ) {
    file.bytes.withUnsafeBufferPointer { bytes in
      var scanner = Scanner(file: file, bytes: bytes, tags: tags)
      scanner.run()
      return (scanner.blocks, scanner.diagnostics)
    }
  }

  private struct Tag {
    let name: String
    let start: Int
    let end: Int
    /// `start..<end`, and the blanks that the tag takes away on either side.
    let trimming: Range<Int>
    /// What stands behind the name, without the blanks around it.
    let rest: Range<Int>
  }

  private struct Scanner {
    let file: SourceFile
    let bytes: UnsafeBufferPointer<UInt8>
    let tags: Set<String>
    var blocks: [TopLevelBlock] = []
    var diagnostics: [Diagnostic] = []
    var offset = 0
    /// Behind the last tag, expression or comment, and the blanks that it takes away.
    var taken = 0
    /// The block being read, and how many of its own kind are open inside of it.
    var open: Tag?
    /// Statements of the language that are open at the top level.
    var surroundings: [Tag] = []
    /// Statements that no block may stand in. dbt asks no more of what is at the top level.
    private static let paired: Set<String> = ["if", "for"]

    mutating func run() {
      while let tag = nextTag() { take(tag) }
      // Behind a tag that never ends nothing was read.
      if let open, !diagnostics.contains(where: { $0.id == "jinja.unclosed-tag" }) {
        report(
          "unclosed-block",
          unclosed(open.name, open.start),
          open.start..<open.end,
          hint: "close it with '{% end\(open.name) %}'"
        )
      }
    }

    /// In the words that dbt has for it.
    private func unclosed(_ name: String, _ start: Int) -> String {
      "Reached EOF without finding a close tag for \(name) (searched from line "
        + "\(file.position(at: start).line))"
    }

    private mutating func report(
      _ id: String,
      _ message: String,
      _ range: Range<Int>,
      hint: String? = nil,
      severity: Diagnostic.Severity = .error
    ) {
      diagnostics.append(
        Diagnostic(
          id: "jinja." + id,
          severity: severity,
          message: message,
          span: TextSpan(file: file, start: range.lowerBound, end: range.upperBound),
          hint: hint
        )
      )
    }

    private mutating func take(_ tag: Tag) {
      if let open {
        if tag.name == "end" + open.name {
          blocks.append(
            TopLevelBlock(
              tag: open.name,
              signature: TextSpan(
                file: file,
                start: open.rest.lowerBound,
                end: open.rest.upperBound
              ),
              whole: TextSpan(file: file, start: open.start, end: tag.end),
              trimming: TextSpan(
                file: file,
                start: open.trimming.lowerBound,
                end: tag.trimming.upperBound
              ),
              contents: TextSpan(
                file: file,
                start: open.trimming.upperBound,
                end: max(open.trimming.upperBound, tag.trimming.lowerBound)
              )
            )
          )
          self.open = nil
        } else if tags.contains(tag.name) {
          report(
            "nested-block",
            "'\(tag.name)' stands inside of '\(open.name)', which is not closed",
            tag.start..<tag.end,
            hint: "close '\(open.name)' with '{% end\(open.name) %}' first"
          )
          // What follows is more likely meant to be the new block.
          self.open = tag
        }
        return
      }
      if tags.contains(tag.name) {
        if let outer = surroundings.last {
          report(
            "nested-block",
            "'\(tag.name)' stands inside of '\(outer.name)'",
            tag.start..<tag.end,
            hint: "move it to the top level of the file"
          )
        }
        open = tag
        return
      }
      if Self.paired.contains(tag.name) {
        surroundings.append(tag)
      } else if tag.name.hasPrefix("end"), Self.paired.contains(String(tag.name.dropFirst(3))) {
        guard surroundings.popLast()?.name == String(tag.name.dropFirst(3)) else {
          report("unexpected-end", "'\(tag.name)' closes nothing", tag.start..<tag.end)
          return
        }
      }
      report(
        "unknown-tag",
        "'\(tag.name)' stands outside of any block, where nothing is rendered",
        tag.start..<tag.end,
        hint: Environment.nearest(to: tag.name, among: Array(tags)).map {
          "did you mean '\($0)'?"
        },
        severity: .warning
      )
    }

    // MARK: Tags

    private func at(_ index: Int) -> UInt8 { index < bytes.count ? bytes[index] : 0 }

    private mutating func nextTag() -> Tag? {
      while offset + 1 < bytes.count {
        guard bytes[offset] == UInt8(ascii: "{") else {
          offset += 1
          continue
        }
        switch bytes[offset + 1] {
        case UInt8(ascii: "#"): skipComment()
        case UInt8(ascii: "{"):
          let start = offset
          offset += 2
          if skipTag(closing: UInt8(ascii: "}")) != nil {
            taken = offset
          } else {
            report(
              "unclosed-tag",
              "the expression is never closed",
              start..<start + 2,
              hint: "close it with '}}'"
            )
            offset = bytes.count
          }
        case UInt8(ascii: "%"):
          if let tag = statement() { return tag }
        default: offset += 1
        }
      }
      return nil
    }

    private mutating func skipComment() {
      let start = offset
      offset += 2
      while offset + 1 < bytes.count {
        if bytes[offset] == UInt8(ascii: "#"), bytes[offset + 1] == UInt8(ascii: "}") {
          offset += 2
          taken = offset
          return
        }
        offset += 1
      }
      report(
        "unclosed-comment",
        "the comment is never closed",
        start..<start + 2,
        hint: "close it with '#}'"
      )
      offset = bytes.count
    }

    /// Goes behind the closing delimiter; gives where the contents end, nil when there is none.
    private mutating func skipTag(closing: UInt8) -> Int? {
      var index = offset
      var braces = 0
      while index < bytes.count {
        let byte = bytes[index]
        switch byte {
        case UInt8(ascii: "'"), UInt8(ascii: "\""):
          index += 1
          while index < bytes.count, bytes[index] != byte {
            index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
          }
        case closing where at(index + 1) == UInt8(ascii: "}") && braces == 0:
          var end = index
          if end > offset,
            bytes[end - 1] == UInt8(ascii: "-") || bytes[end - 1] == UInt8(ascii: "+")
          {
            end -= 1
          }
          offset = index + 2
          return end
        case UInt8(ascii: "{"): braces += 1
        case UInt8(ascii: "}"): braces = max(0, braces - 1)
        default: break
        }
        index += 1
      }
      return nil
    }

    private func isNameByte(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
        true
      default: false
      }
    }

    private func isSpace(_ byte: UInt8) -> Bool {
      byte == 0x20 || (byte >= 0x09 && byte <= 0x0D)
    }

    private mutating func statement() -> Tag? {
      let start = offset
      offset += 2
      if at(offset) == UInt8(ascii: "-") || at(offset) == UInt8(ascii: "+") { offset += 1 }
      while offset < bytes.count, isSpace(bytes[offset]) { offset += 1 }
      let nameStart = offset
      while offset < bytes.count, isNameByte(bytes[offset]) { offset += 1 }
      let name = String(decoding: bytes[nameStart..<offset], as: UTF8.self)
      var restStart = offset
      guard var restEnd = skipTag(closing: UInt8(ascii: "%")) else {
        report(
          "unclosed-tag",
          "the tag is never closed",
          start..<start + 2,
          hint: "close it with '%}'"
        )
        offset = bytes.count
        return nil
      }
      let trimming = trimming(start..<offset)
      taken = trimming.upperBound
      while restStart < restEnd, isSpace(bytes[restStart]) { restStart += 1 }
      while restEnd > restStart, isSpace(bytes[restEnd - 1]) { restEnd -= 1 }
      if name == "raw", restStart == restEnd {
        skipRaw(from: start)
        guard open == nil else { return nil }
      }
      return Tag(
        name: name,
        start: start,
        end: offset,
        trimming: trimming,
        rest: restStart..<restEnd
      )
    }

    /// A tag with the blanks that `{%-` and `-%}` take away. Those at the ends of the file are none of
    /// them: dbt reads files without.
    private func trimming(_ tag: Range<Int>) -> Range<Int> {
      var (start, end) = (tag.lowerBound, tag.upperBound)
      if at(start + 2) == UInt8(ascii: "-") {
        while start > taken, isSpace(bytes[start - 1]) { start -= 1 }
      }
      if bytes[end - 3] == UInt8(ascii: "-") {
        while end < bytes.count, isSpace(bytes[end]) { end += 1 }
      }
      if start == 0 { start = tag.lowerBound }
      if end == bytes.count { end = tag.upperBound }
      return start..<end
    }

    private mutating func skipRaw(from start: Int) {
      while offset + 1 < bytes.count {
        guard bytes[offset] == UInt8(ascii: "{"), bytes[offset + 1] == UInt8(ascii: "%") else {
          offset += 1
          continue
        }
        var index = offset + 2
        if at(index) == UInt8(ascii: "-") || at(index) == UInt8(ascii: "+") { index += 1 }
        while index < bytes.count, isSpace(bytes[index]) { index += 1 }
        let word = Array("endraw".utf8)
        if index + word.count <= bytes.count,
          bytes[index..<index + word.count].elementsEqual(word)
        {
          index += word.count
          while index < bytes.count, isSpace(bytes[index]) { index += 1 }
          if at(index) == UInt8(ascii: "-") || at(index) == UInt8(ascii: "+") { index += 1 }
          if at(index) == UInt8(ascii: "%"), at(index + 1) == UInt8(ascii: "}") {
            offset = index + 2
            taken = trimming(start..<offset).upperBound
            return
          }
        }
        offset += 2
      }
      report(
        "unclosed-block",
        "'raw' is never closed",
        start..<start + 2,
        hint: "close it with '{% endraw %}'"
      )
      offset = bytes.count
    }
  }
}
