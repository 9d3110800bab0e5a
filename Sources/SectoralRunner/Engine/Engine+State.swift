import SectoralArtifacts
import SectoralCompiler
import SectoralGraph
import SectoralProject
import SectoralText

extension Engine {
  /// What the `--state` folder holds; relative paths start at the project.
  func previousState(targetPath: String) throws -> PreviousState {
    guard let path = flags.statePath else { return PreviousState() }
    let folder = FileSystem.absolute(path, from: flags.projectDirectory)
    if folder == targetPath {
      try events.warn(
        "WarnStateTargetEqual",
        Diagnostic(
          id: "state.target",
          severity: .warning,
          message: "Warning: The state and target directories are the same: '\(path)'. This could "
            + "lead to missing changes due to overwritten state including non-idempotent retries.",
          hint: "copy the artifacts of the earlier run to a folder of their own"
        )
      )
    }
    var state = try PreviousState(folder: folder, targetPath: targetPath)
    state.comparesMoreUnrenderedValues =
      flags.behavior["state_modified_compare_more_unrendered_values"]
    return state
  }

  /// With `--defer`, tells the compiler what references to things that are not there mean.
  func prepareDeferral(_ project: Project, _ selected: MemberSet) throws(Failure) {
    guard flags.defersToState else { return }
    project.compiler.deferral = try deferral(project, selected)
  }

  func deferral(_ project: Project, _ selected: MemberSet) throws(Failure) -> Deferral {
    let manifest = try deferredManifest(project)
    let graph = project.graph
    return Deferral(
      favorsState: flags.favorState,
      selected: Set(selected.map { graph[$0].uniqueID }),
      project.workspace
    ) { id throws(Failure) in try manifest.resource(id) }
  }

  /// The manifest that `--defer` and `clone` go by.
  func deferredManifest(_ project: Project) throws(Failure) -> EarlierManifest {
    guard let given = flags.deferStatePath ?? flags.statePath else {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "state.missing",
          message:
            "--state or --defer-state are required for deferral, but neither was provided",
          hint: "name the folder with the manifest.json of the other environment, "
            + "for instance --state prod-artifacts"
        )
      )
    }
    if flags.deferStatePath == nil, let manifest = project.state.manifest { return manifest }
    let folder = FileSystem.absolute(given, from: flags.projectDirectory)
    let path = "\(folder)/manifest.json"
    guard FileSystem.exists(path) else {
      let option = flags.deferStatePath == nil ? "--state" : "--defer-state"
      throw Failure(
        .runtime,
        Diagnostic(
          id: "state.missing",
          message: "Could not find manifest in \(option) path: \"\(given)\"",
          hint: FileSystem.isFolder(folder)
            ? "the folder is there, and holds no manifest.json"
            : "there is no folder \(folder)"
        )
      )
    }
    return try EarlierManifest(path: path)
  }
}
