import SectoralRunner
import SectoralText
import SectoralYAML

/// The little of dbt_project.yml that has to be known before anything can be printed.
struct ProjectSettings: Sendable {
  var flags = DatumMap()
  var logPath: String?
  var targetPath: String?
  var usesProfilesConfig = false
  var failure: CommandFailure?

  /// Mistakes in the files are left to the engine, which reads and reports them in full.
  static func read(
    projectDirectory: String,
    profilesDirectory: String,
    files: FileQuestions
  ) -> ProjectSettings {
    var settings = ProjectSettings()
    if let root = map(Paths.join(projectDirectory, "dbt_project.yml"), files) {
      settings.flags = root["flags"]?.map ?? DatumMap()
      // A template there is the engine's to render; until then logs go to the usual place.
      settings.logPath = root["log-path"]?.string.flatMap { $0.contains("{{") ? nil : $0 }
      settings.targetPath = root["target-path"]?.string.flatMap { $0.contains("{{") ? nil : $0 }
    }
    let profiles = Paths.join(profilesDirectory, "profiles.yml")
    if let text = files.read(profiles), ("\n" + text).contains("\nconfig:"),
      let config = map(profiles, files)?["config"]?.map, !config.isEmpty
    {
      if settings.flags.isEmpty {
        settings.flags = config
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

  private static func map(_ path: String, _ files: FileQuestions) -> DatumMap? {
    guard let text = files.read(path) else { return nil }
    return YAMLParser.parse(SourceFile(path: path, text: text)).root?.datum.map
  }
}
