/// The files `~/.aws/config` and `~/.aws/credentials` of AWS's own tools.
package struct SharedConfiguration: Sendable {
  /// What a profile says; names in lower case.
  struct Section: Sendable {
    var values: [String: String] = [:]
    /// Settings below a setting: `s3 =` and lines that are indented.
    var nested: [String: [String: String]] = [:]
  }

  /// Where the files are, for messages.
  let configPath: String
  let credentialsPath: String
  private(set) var profiles: [String: Section] = [:]
  private(set) var sessions: [String: Section] = [:]
  private(set) var services: [String: Section] = [:]
  /// The profiles that credentials may come from by the second file alone.
  private var fromCredentialsFile: Set<String> = []

  package init(_ world: AWSWorld) {
    configPath = world.variable("AWS_CONFIG_FILE") ?? "~/.aws/config"
    credentialsPath = world.variable("AWS_SHARED_CREDENTIALS_FILE") ?? "~/.aws/credentials"
    for (name, section) in Self.parse(world.read(configPath) ?? []) {
      let words = name.split(separator: " ", maxSplits: 1).map { Self.unquoted(String($0)) }
      switch (words.first, words.count) {
      case ("default", 1): profiles["default"] = section
      case ("profile", 2): profiles[words[1]] = section
      case ("sso-session", 2): sessions[words[1]] = section
      case ("services", 2): services[words[1]] = section
      default: break
      }
    }
    for (name, section) in Self.parse(world.read(credentialsPath) ?? []) {
      fromCredentialsFile.insert(name)
      // Where both files say something, this one counts.
      profiles[name, default: Section()].values.merge(section.values) { _, new in new }
      profiles[name]?.nested.merge(section.nested) { _, new in new }
    }
  }

  var profileNames: [String] { profiles.keys.sorted() }

  /// The file that a profile's keys stand in.
  func file(of profile: String) -> String {
    fromCredentialsFile.contains(profile) ? credentialsPath : configPath
  }

  /// INI as AWS's tools read it: `#` and `;` begin comments at the start of a line, and after a blank.
  static func parse(_ bytes: [UInt8]) -> [(name: String, section: Section)] {
    var sections: [(name: String, section: Section)] = []
    var lastKey: String?
    for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
      let text = withoutComment(String(line)).trimmed
      guard !text.isEmpty else { continue }
      if text.hasPrefix("["), let end = text.lastIndex(of: "]") {
        let name = String(text[text.index(after: text.startIndex)..<end]).trimmed
        sections.append((name, Section()))
        lastKey = nil
        continue
      }
      guard !sections.isEmpty else { continue }
      let isIndented = line.first.map { $0 == " " || $0 == "\t" } ?? false
      guard let equals = text.firstIndex(of: "=") else { continue }
      let key = String(text[..<equals]).trimmed.lowercased()
      let value = String(text[text.index(after: equals)...]).trimmed
      let last = sections.count - 1
      if isIndented, let lastKey, sections[last].section.values[lastKey]?.isEmpty ?? false {
        sections[last].section.nested[lastKey, default: [:]][key] = value
      } else {
        sections[last].section.values[key] = value
        lastKey = key
      }
    }
    return sections
  }

  private static func withoutComment(_ line: String) -> String {
    let text = line.trimmed
    if text.hasPrefix("#") || text.hasPrefix(";") { return "" }
    for mark in [" #", " ;", "\t#", "\t;"] {
      if let range = line.range(of: mark) {
        return withoutComment(String(line[..<range.lowerBound]))
      }
    }
    return line
  }

  private static func unquoted(_ text: String) -> String {
    for quote in ["\"", "'"] where text.count > 1 && text.hasPrefix(quote) && text.hasSuffix(quote)
    {
      return String(text.dropFirst().dropLast())
    }
    return text.trimmed
  }
}
