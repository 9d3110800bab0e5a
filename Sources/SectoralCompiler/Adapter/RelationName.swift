import SectoralText

/// Names of relations that others are made of: `orders__dbt_tmp`.
enum RelationName {
  /// The name and the suffix, as dbt has them, where that fits. Where not, the name is cut, and a hash of
  /// all of it keeps it apart from others that begin alike.
  ///
  /// `limit`: in bytes, which is what databases count; a suffix of that length leaves no room for a name.
  static func joined(_ name: String, _ suffix: String, limit: Int) -> String {
    guard name.utf8.count + suffix.utf8.count > limit else { return name + suffix }
    let room = max(0, limit - suffix.utf8.count)
    let mark = ("_" + Digest.md5(name.utf8).prefix(hashLength)).suffix(room)
    return prefix(of: name, bytes: room - mark.utf8.count) + mark + suffix
  }

  /// In hexadecimal digits: among a thousand names two agree once in eight thousand million times, and
  /// only names with one beginning count.
  private static let hashLength = 12

  /// So many bytes, or a little less: characters stay whole.
  private static func prefix(of name: String, bytes: Int) -> String {
    let utf8 = name.utf8
    var end = utf8.index(utf8.startIndex, offsetBy: bytes)
    while end > utf8.startIndex, end < utf8.endIndex, utf8[end] & 0xC0 == 0x80 {
      end = utf8.index(before: end)
    }
    return String(name[..<end])
  }
}
