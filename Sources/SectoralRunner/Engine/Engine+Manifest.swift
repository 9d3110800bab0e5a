import SectoralArtifacts
import SectoralCompiler
import SectoralProject
import SectoralWarehouse
import SectoralYAML
import Synchronization

extension Engine {
  /// How far manifest.json is: it is written when the project is read, and again with what was compiled.
  struct ManifestState {
    /// Whether it is still to be written when the command ends, however it ends.
    var isOwed = false
    var begun: Threads.Job<Result<Bool, any Error>>?
    var written: ManifestWriter.Written?
  }

  func writeManifest(_ project: Project) throws {
    try tellOfManifest(Result { try writeManifestFile(project) }, project)
  }

  /// Begins to write the manifest; `waitForManifest` comes before whatever changes it.
  func beginManifest(_ project: Project) {
    guard flags.writeJSON else { return }
    let job = Threads.begin { Result { try self.writeManifestFile(project) } }
    manifestState.withLock { $0.begun = job }
    tellOfManifest(project)
  }

  /// Waits for what was begun.
  func waitForManifest() throws {
    let job = manifestState.withLock { state in
      defer { state.begun = nil }
      return state.begun
    }
    _ = try job?.wait().get()
  }

  /// At the end of a command: nothing of the manifest of what was read stays undone.
  func finishManifest(_ project: Project?) throws {
    try waitForManifest()
    if let project, manifestState.withLock({ $0.isOwed }) { try writeManifest(project) }
  }

  /// Writes manifest.json and what goes with it, and says nothing. Returns whether they are to be written.
  func writeManifestFile(_ project: Project) throws -> Bool {
    manifestState.withLock { $0.isOwed = false }
    guard flags.writeJSON else { return false }
    let quoting = project.workspace.quoting
    let writer = ManifestWriter(
      project.manifest,
      metadata(project),
      quoting: [
        "database": .bool(quoting.database), "schema": .bool(quoting.schema),
        "identifier": .bool(quoting.identifier), "column": .null,
      ]
    )
    let written = try writer.write(
      to: "\(project.targetPath)/manifest.json",
      earlier: manifestState.withLock { $0.written }
    )
    manifestState.withLock { $0.written = written }
    try FileSystem.write(
      writer.semanticBytes(),
      to: "\(project.targetPath)/semantic_manifest.json"
    )
    return true
  }

  func tellOfManifest(_ written: Result<Bool, any Error>, _ project: Project) throws {
    if try written.get() { tellOfManifest(project) }
  }

  private func tellOfManifest(_ project: Project) {
    tellOf("WritableManifest", at: "\(project.targetPath)/manifest.json")
    tellOf("SemanticManifest", at: "\(project.targetPath)/semantic_manifest.json")
  }
}
