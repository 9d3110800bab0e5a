import SectoralText

enum IndexName {
  static func digest(_ text: String) -> String { Digest.md5(text.utf8) }
}
