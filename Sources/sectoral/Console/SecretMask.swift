/// Hides secrets: the value of every environment variable `DBT_ENV_SECRET_*`.
struct SecretMask: Sendable {
  /// Longest first, so that a secret that contains another goes as a whole.
  private let secrets: [String]

  static let none = SecretMask(secrets: [])
  static let replacement = "*****"

  init(secrets: [String]) {
    self.secrets = secrets.filter { !$0.isEmpty }.sorted { $0.utf8.count > $1.utf8.count }
  }

  init(environment: [String: String]) {
    self.init(
      secrets: environment.filter { $0.key.hasPrefix("DBT_ENV_SECRET_") }.map(\.value)
    )
  }

  func callAsFunction(_ text: String) -> String {
    guard !secrets.isEmpty else { return text }
    var out = text
    for secret in secrets { out = Self.replacing(secret, in: out) }
    return out
  }

  private static func replacing(_ secret: String, in text: String) -> String {
    let bytes = Array(text.utf8)
    let pattern = Array(secret.utf8)
    guard bytes.count >= pattern.count else { return text }
    var out: [UInt8] = []
    var start = 0
    var index = 0
    while index + pattern.count <= bytes.count {
      if bytes[index] == pattern[0],
        bytes[index..<index + pattern.count].elementsEqual(pattern)
      {
        out += bytes[start..<index]
        out += replacement.utf8
        index += pattern.count
        start = index
      } else {
        index += 1
      }
    }
    guard start > 0 else { return text }
    out += bytes[start...]
    return String(decoding: out, as: UTF8.self)
  }
}
