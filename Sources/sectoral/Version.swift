import SectoralRunner

/// What `--version` prints: dbt's block, which tools read, and our own version.
enum Version {
  static var report: String {
    let plugins = ProductVersion.adapters.map { "  - \($0.name): \($0.version)\n" }.joined()
    return """
      Core:
        - installed: \(ProductVersion.compatible)

      Plugins:
      \(plugins)
      sectoral \(ProductVersion.own), which does what dbt-core \(ProductVersion.compatible) does.

      """
  }
}
