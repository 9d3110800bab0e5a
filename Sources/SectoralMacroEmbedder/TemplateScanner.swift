/// Finds the macros of a built-in template file, and what each of them calls.
///
/// Knows just enough of the template language for the files of this repository: blocks are not
/// nested in one another, and a tag's closing mark is not written inside of a text.
struct TemplateScanner {
  struct Block {
    var name: String
    /// Bytes, with both tags.
    var start: Int
    var end: Int
    /// Of a materialization.
    var languages: [String]
    /// `name`, `package.name`, or `@name` and `@name@namespace` for a dispatch; each once.
    var calls: [String]
  }

  private enum Token: Equatable {
    case word(String)
    case text(String)
    case mark(UInt8)
  }

  private let path: String
  private let bytes: [UInt8]
  private var position = 0

  init(path: String, text: String) {
    self.path = path
    bytes = Array(text.utf8)
  }

  mutating func blocks() -> [Block] {
    var blocks: [Block] = []
    var open: (block: Block, tag: String)?
    while let (start, tokens, end) = nextTag() {
      guard case .word(let first)? = tokens.first else {
        open?.block.note(calls(in: tokens))
        continue
      }
      if let (block, tag) = open {
        if first == "end\(tag)" {
          var block = block
          block.end = end
          blocks.append(block)
          open = nil
        } else {
          open?.block.note(calls(in: tokens))
        }
        continue
      }
      guard ["macro", "test", "materialization"].contains(first),
        case .word(let name)? = tokens.dropFirst().first
      else { fail("\(path): the tag '\(first)' stands outside of a macro") }
      var block = Block(name: name, start: start, end: end, languages: [], calls: [])
      switch first {
      case "test": block.name = "test_\(name)"
      case "materialization":
        let texts = tokens.compactMap { token in
          if case .text(let text) = token { text } else { nil }
        }
        let hasAdapter = tokens.contains(.word("adapter"))
        block.name = "materialization_\(name)_\(hasAdapter ? texts[0] : "default")"
        block.languages = Array(texts.dropFirst(hasAdapter ? 1 : 0))
        if block.languages.isEmpty { block.languages = ["sql"] }
      default: break
      }
      // Default values of parameters may call something; the name itself is no call.
      block.note(calls(in: Array(tokens.dropFirst(2))))
      open = (block, first)
    }
    if let open { fail("\(path): \(open.block.name) is not closed") }
    return blocks
  }

  /// The next `{{ … }}` or `{% … %}`, where it begins and ends, and what is in it.
  private mutating func nextTag() -> (start: Int, tokens: [Token], end: Int)? {
    while position + 1 < bytes.count {
      guard bytes[position] == UInt8(ascii: "{") else {
        position += 1
        continue
      }
      let start = position
      switch bytes[position + 1] {
      case UInt8(ascii: "#"): skip(to: [UInt8(ascii: "#"), UInt8(ascii: "}")])
      case UInt8(ascii: "%"): return (start, tokens(to: UInt8(ascii: "%")), position)
      case UInt8(ascii: "{"): return (start, tokens(to: UInt8(ascii: "}")), position)
      default: position += 1
      }
    }
    return nil
  }

  private mutating func skip(to mark: [UInt8]) {
    while position < bytes.count, !bytes[position...].starts(with: mark) { position += 1 }
    position = min(bytes.count, position + mark.count)
  }

  private mutating func tokens(to closing: UInt8) -> [Token] {
    position += 2
    var tokens: [Token] = []
    // Braces of a dictionary, so that its end is not taken for the tag's.
    var depth = 0
    while position < bytes.count {
      let byte = bytes[position]
      if depth == 0, byte == closing, position + 1 < bytes.count,
        bytes[position + 1] == UInt8(ascii: "}")
      {
        position += 2
        return tokens
      }
      switch byte {
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        var text: [UInt8] = []
        position += 1
        while position < bytes.count, bytes[position] != byte {
          if bytes[position] == UInt8(ascii: "\\") { position += 1 }
          if position < bytes.count { text.append(bytes[position]) }
          position += 1
        }
        position += 1
        tokens.append(.text(String(decoding: text, as: UTF8.self)))
      case _ where isWord(byte):
        let start = position
        while position < bytes.count, isWord(bytes[position]) { position += 1 }
        tokens.append(.word(String(decoding: bytes[start..<position], as: UTF8.self)))
      case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\t"): position += 1
      // The tag's whitespace control.
      case UInt8(ascii: "-") where tokens.isEmpty: position += 1
      default:
        depth += byte == UInt8(ascii: "{") ? 1 : byte == UInt8(ascii: "}") ? -1 : 0
        tokens.append(.mark(byte))
        position += 1
      }
    }
    fail("\(path): a tag is not closed")
  }

  private func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private func calls(in tokens: [Token]) -> [String] {
    let dot = Token.mark(UInt8(ascii: "."))
    var calls: [String] = []
    for index in tokens.indices {
      guard case .word(let name) = tokens[index], index + 1 < tokens.count,
        tokens[index + 1] == .mark(UInt8(ascii: "("))
      else { continue }
      let before = index > 0 ? tokens[index - 1] : nil
      if before == dot {
        guard index > 1, case .word(let owner) = tokens[index - 2],
          index < 3 || tokens[index - 3] != dot
        else { continue }
        if owner == "adapter", name == "dispatch" {
          // A name that is computed cannot be known here, as dbt does not know it either.
          guard index + 2 < tokens.count, case .text(let target) = tokens[index + 2] else {
            continue
          }
          var call = "@\(target)"
          if index + 4 < tokens.count, case .text(let namespace) = tokens[index + 4] {
            call += "@\(namespace)"
          }
          calls.append(call)
        } else {
          calls.append("\(owner).\(name)")
        }
      } else if before != .mark(UInt8(ascii: "|")), before != .word("is") {
        calls.append(name)
      }
    }
    return calls
  }
}

extension TemplateScanner.Block {
  fileprivate mutating func note(_ found: [String]) {
    for call in found where !calls.contains(call) { calls.append(call) }
  }
}
