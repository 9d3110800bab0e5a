public import SectoralText

/// Where a piece of rendered text comes from.
public struct TextOrigin: Sendable {
  /// In bytes of the text.
  public let offset: Int
  /// In bytes.
  public let length: Int
  /// The template's text that was copied, or the expression whose value this is.
  public let span: TextSpan
  /// Copied byte by byte; of `\r\n` only the `\n` has come along.
  public let isVerbatim: Bool
  /// The name of the function or macro whose call gave the text: `dbt_utils.star`.
  public let callee: String?
}

/// Notes which node of a template's own top level wrote which bytes.
final class OriginRecorder {
  private struct Piece {
    let offset: Int
    let length: Int
    let node: NodeID
  }

  private let program: Program
  private var pieces: ContiguousArray<Piece> = []

  init(_ program: Program) { self.program = program }

  func note(_ node: NodeID, in frame: Frame, at offset: Int, _ length: Int) {
    guard length > 0, frame.program === program, frame.function == 0 else { return }
    // What was noted from here on has been taken away since, into a variable or a filter.
    while let last = pieces.last, last.offset >= offset { pieces.removeLast() }
    pieces.append(Piece(offset: offset, length: length, node: node))
  }

  func origins(from start: Int, to end: Int) -> [TextOrigin] {
    var origins: [TextOrigin] = []
    origins.reserveCapacity(pieces.count)
    for piece in pieces where piece.offset >= start && piece.offset + piece.length <= end {
      let node = program.nodes[Int(piece.node)]
      origins.append(
        TextOrigin(
          offset: piece.offset - start,
          length: piece.length,
          span: program.span(of: piece.node),
          isVerbatim: node.kind == .text,
          callee: callee(of: node)
        )
      )
    }
    return origins
  }

  private func callee(of node: Node) -> String? {
    guard node.a >= 0 else { return nil }
    switch node.kind {
    case .call: return program.path(of: node.a)?.joined(separator: ".")
    case .callMethod:
      return program.path(of: node.a).map {
        ($0 + [program.names[Int(node.c)]]).joined(separator: ".")
      }
    case .filter: return callee(of: program.nodes[Int(node.a)])
    default: return nil
    }
  }
}
