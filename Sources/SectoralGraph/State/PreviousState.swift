package import SectoralArtifacts
package import SectoralProject

/// What an earlier run left behind: the files of the `--state` folder that are there.
package struct PreviousState: Sendable {
  /// The folder, as the user named it; nil where none was named.
  package var folder: String?
  package var manifest: EarlierManifest?
  package var runResults: EarlierRunResults?
  package var sources: EarlierSources?
  /// The sources.json of the project's own target folder, with which `sources` is compared.
  package var currentSources: EarlierSources?
  /// The flag `state_modified_compare_more_unrendered_values`.
  package var comparesMoreUnrenderedValues = false

  package init() {}

  /// Reads what is in a folder, an absolute path; `targetPath` is where this project's artifacts are.
  /// What is missing is nil; what cannot be read is an error.
  package init(folder: String, targetPath: String) throws(Failure) {
    self.folder = folder
    let manifest = "\(folder)/manifest.json"
    if FileSystem.exists(manifest) { self.manifest = try EarlierManifest(path: manifest) }
    let results = "\(folder)/run_results.json"
    if FileSystem.exists(results) { runResults = try EarlierRunResults(path: results) }
    let sources = "\(folder)/sources.json"
    if FileSystem.exists(sources) { self.sources = try EarlierSources(path: sources) }
    let current = "\(targetPath)/sources.json"
    if FileSystem.exists(current) { currentSources = try EarlierSources(path: current) }
  }
}
