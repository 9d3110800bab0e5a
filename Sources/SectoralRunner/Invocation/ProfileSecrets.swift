import SectoralArtifacts
import SectoralProject
import SectoralYAML

extension Profile {
  /// Passwords and keys that are masked wherever they turn up.
  ///
  /// Not those that are words of other things: masking the password `postgres` of the user `postgres`
  /// would make every message unreadable, and hide nothing. Nor short ones of letters alone, which are
  /// words of any project: `unused` would turn the model `fct_unused_sources` into another one.
  var secrets: [String] { passwords.filter { !isCommon($0) } }

  /// The others, which are masked where they stand as passwords.
  var commonPasswords: [String] { passwords.filter { $0.utf8.count >= 4 && isCommon($0) } }

  private var passwords: [String] {
    let keys = ["password", "access_key_id", "secret_access_key"]
    return keys.compactMap { credentials[$0]?.string }
  }

  private func isCommon(_ secret: String) -> Bool {
    let open = targetVariable.entries.compactMap { $0.value.string } + Self.commonWords
    return secret.utf8.count < 6 || SecretMask.isWord(secret)
      || open.contains { $0.contains(secret) }
  }

  private static let commonWords = ["password", "postgres", "redshift", "secret", "database"]
}
