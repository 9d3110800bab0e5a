import SectoralRunner
import SectoralText
import SectoralYAML

/// The little of dbt_project.yml that has to be known before anything can be printed.
struct ProjectSettings: Sendable {
  var flags = DatumMap()
  var logPath: String?
  var targetPath: String?
  var usesProfilesConfig = false
  /// Why all flags of the file are left out.
  var wrongFlag: Diagnostic?
  var failure: CommandFailure?

  /// Mistakes in the files are left to the engine, which reads and reports them in full.
  static func read(
    projectDirectory: String,
    profilesDirectory: String,
    files: FileQuestions
  ) -> ProjectSettings {
    var settings = ProjectSettings()
    if let root = root(Paths.join(projectDirectory, "dbt_project.yml"), files) {
      settings.take(root["flags"])
      // A template there is the engine's to render; until then logs go to the usual place.
      settings.logPath = root["log-path"]?.string.flatMap { $0.contains("{{") ? nil : $0 }
      settings.targetPath = root["target-path"]?.string.flatMap { $0.contains("{{") ? nil : $0 }
    }
    let profiles = Paths.join(profilesDirectory, "profiles.yml")
    if let text = files.read(profiles), ("\n" + text).contains("\nconfig:"),
      let config = root(profiles, files)?["config"], config.mapping?.isEmpty == false
    {
      if settings.flags.isEmpty, settings.wrongFlag == nil {
        settings.take(config)
        settings.usesProfilesConfig = true
      } else {
        settings.failure = CommandFailure(
          head: nil,
          diagnostic: Diagnostic(
            id: "flags.config-and-flags",
            message: "Do not specify both 'config' in profiles.yml and 'flags' in "
              + "dbt_project.yml. Using 'config' in profiles.yml is deprecated.",
            hint: "move what is under 'config' to 'flags' in dbt_project.yml"
          )
        )
      }
    }
    return settings
  }

  /// As dbt: one value of a wrong type leaves all flags at their defaults.
  private mutating func take(_ node: YAMLNode?) {
    for (key, value) in node?.mapping ?? [] {
      guard let expected = Self.expectation(of: key.keyText, value.datum) else { continue }
      wrongFlag = Diagnostic(
        id: "flags.wrong-type",
        severity: .warning,
        message: "None of the flags in this file are used, as with dbt: '\(key.keyText)' is "
          + "\(JSON.text(of: value.datum)), and not \(expected)",
        span: value.span,
        hint: "templates are not rendered here; write the value itself"
      )
      return
    }
    flags = node?.datum.map ?? DatumMap()
  }

  /// What the value should have been; nil if it is, or if the flag is not one of dbt-core's.
  private static func expectation(of name: String, _ value: Datum) -> String? {
    if BehaviorFlags.ofCore.contains(name) { return value.bool == nil ? "true or false" : nil }
    guard let flag = FlagTable.all.first(where: { $0.isProjectFlag && $0.name == name }) else {
      return nil
    }
    if value.isNull { return name == "send_anonymous_usage_stats" ? "true or false" : nil }
    return switch flag.kind {
    case .flag: value.bool == nil ? "true or false" : nil
    case .integer: value.int == nil ? "a number" : nil
    case .map: value.map == nil ? "a mapping" : nil
    default: value.string == nil ? "text" : nil
    }
  }

  private static func root(_ path: String, _ files: FileQuestions) -> YAMLNode? {
    guard let text = files.read(path) else { return nil }
    let root = YAMLParser.parse(SourceFile(path: Paths.lastComponent(of: path), text: text)).root
    return root?.mapping == nil ? nil : root
  }
}
