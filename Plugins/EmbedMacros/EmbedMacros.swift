import Foundation
import PackagePlugin

/// Runs SectoralMacroEmbedder over `Macros/` of the target: one Swift file with every template.
@main
struct EmbedMacros: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
    let folder = target.directoryURL.appending(path: "Macros")
    let inputs = try templates(below: folder)
    let output = context.pluginWorkDirectoryURL.appending(path: "EmbeddedMacros.swift")
    return [
      .buildCommand(
        displayName: "Embedding built-in macros",
        executable: try context.tool(named: "SectoralMacroEmbedder").url,
        arguments: [folder.path(), output.path()],
        inputFiles: inputs,
        outputFiles: [output]
      )
    ]
  }
}

/// The templates below a folder, sorted, so that the command's inputs do not depend on the disk.
private func templates(below folder: URL) throws -> [URL] {
  let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
  return (files?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "sql" }
    .sorted { $0.path() < $1.path() }
}
