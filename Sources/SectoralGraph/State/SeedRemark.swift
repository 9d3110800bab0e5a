import SectoralProject
package import SectoralText
import SectoralYAML

/// What dbt says of a seed of more than a megabyte, which is known by its path alone.
package struct SeedRemark: Sendable {
  /// The event's name.
  package let name: String
  package let diagnostic: Diagnostic

  /// nil: both files were compared by their contents. `old`: the earlier checksum.
  init?(_ seed: Node, _ old: Datum?) {
    let kind = old?["name"]?.string ?? "none"
    let words = "Found a seed (\(seed.packageName).\(seed.name)) >1MB in size"
    let (name, text): (String, String)
    switch (seed.checksum.name == "path", kind == "path") {
    case (false, _): return nil
    case (true, true) where old?["checksum"]?.string == seed.checksum.checksum:
      name = "SeedExceedsLimitSamePath"
      text = " at the same path, dbt cannot tell if it has changed: assuming they are the same"
    case (true, true):
      name = "SeedExceedsLimitAndPathChanged"
      text = ", the previous file was at a different path: assuming it has changed"
    case (true, false) where kind == "none":
      name = "SeedExceedsLimitChecksumChanged"
      text = ". The previous file had a checksum type of \(kind), so it has changed"
    case (true, false):
      name = "SeedIncreased"
      text = ". The previous file was <=1MB, so it has changed"
    }
    self.name = name
    diagnostic = Diagnostic(
      id: "state.large-seed",
      severity: .warning,
      message: words + text,
      span: seed.declaration
    )
  }
}
