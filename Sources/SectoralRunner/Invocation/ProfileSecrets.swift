import SectoralProject
import SectoralYAML

extension Profile {
  /// Passwords and keys that are masked wherever they turn up.
  ///
  /// Not those that are words of other things: masking the password `postgres` of the user `postgres`
  /// would make every message unreadable, and hide nothing. Nor short ones of letters alone, which are
  /// words of any project: `unused` would turn the model `fct_unused_sources` into another one.
  var secrets: [String] {
    let keys = ["password", "access_key_id", "secret_access_key"]
    let values = keys.compactMap { credentials[$0]?.string }
    let open = targetVariable.entries.compactMap { $0.value.string } + Self.commonWords
    return values.filter { secret in
      let isWord = secret.utf8.count < 16 && secret.allSatisfy(\.isLetter)
      return secret.utf8.count >= 6 && !isWord && !open.contains { $0.contains(secret) }
    }
  }

  private static let commonWords = ["password", "postgres", "redshift", "secret", "database"]
}
