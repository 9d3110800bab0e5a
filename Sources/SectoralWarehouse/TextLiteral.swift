/// Texts as literals of SQL.
public struct TextLiteral: Sendable {
  /// Whether a backslash in `'…'` goes with what follows it, and there is no `E'…'`: Redshift comes from
  /// Postgres 8.0, where both are so.
  public let hasEscapes: Bool

  public init(adapterType: String) { hasEscapes = adapterType == "redshift" }

  public static let redshift = TextLiteral(adapterType: "redshift")
  public static let postgres = TextLiteral(adapterType: "postgres")

  /// `'it''s'`; with a backslash in it, on Postgres, as psycopg2 writes it: ` E'…'`.
  public func quoted(_ text: String) -> String {
    let doubled = Self.double("'", in: text)
    guard doubled.utf8.contains(UInt8(ascii: "\\")) else { return "'\(doubled)'" }
    let escaped = Self.double("\\", in: doubled)
    return hasEscapes ? "'\(escaped)'" : " E'\(escaped)'"
  }

  private static func double(_ character: Character, in text: String) -> String {
    text.split(separator: character, omittingEmptySubsequences: false)
      .joined(separator: "\(character)\(character)")
  }
}
