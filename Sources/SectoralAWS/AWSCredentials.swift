/// What AWS knows a caller by.
package struct AWSCredentials: Sendable, Hashable {
  package var accessKeyID: String
  package var secretAccessKey: String
  /// Of temporary ones.
  package var sessionToken: String?
  /// When they end, in seconds since 1970; nil for those that do not.
  package var expiration: Int?
  /// Where they come from, in words: `environment variables`.
  package var source: String

  package init(
    accessKeyID: String,
    secretAccessKey: String,
    sessionToken: String? = nil,
    expiration: Int? = nil,
    source: String
  ) {
    self.accessKeyID = accessKeyID
    self.secretAccessKey = secretAccessKey
    self.sessionToken = sessionToken
    self.expiration = expiration
    self.source = source
  }

  /// What must not be shown.
  package var secrets: [String] { [secretAccessKey] + (sessionToken.map { [$0] } ?? []) }
}

/// Credentials end up in logs and crash reports by way of `print` and `dump`; the secret does not.
extension AWSCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "\(accessKeyID) from \(source)" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: ["key": description]) }
}
