import SectoralText

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// `clean`: deletes the project's clean-targets, and refuses what would hurt.
package struct Cleaning: Sendable {
  /// All paths absolute and without `.` and `..`.
  package var projectDirectory: String
  /// `clean-targets`.
  package var targets: [String]
  /// Directories that hold the project's sources (`model-paths`, `seed-paths`, ...).
  package var sourcePaths: [String]
  /// `--clean-project-files-only`: nothing outside the project is deleted.
  package var projectFilesOnly: Bool

  package init(
    projectDirectory: String,
    targets: [String],
    sourcePaths: [String],
    projectFilesOnly: Bool
  ) {
    self.projectDirectory = projectDirectory
    self.targets = targets
    self.sourcePaths = sourcePaths
    self.projectFilesOnly = projectFilesOnly
  }

  package func run(events: EventBus) -> ExitStatus {
    if let refusal {
      events.emit(.mainEncounteredError([refusal]))
      return .unusable
    }
    for target in targets {
      events.emit(.checkCleanPath(target))
      if let failure = Self.remove(target) {
        events.emit(.mainEncounteredError([failure]))
        return .unusable
      }
      events.emit(.confirmCleanPath(target))
    }
    events.emit(.finishedCleanPaths)
    return .success
  }

  /// Checked for all targets before the first is deleted.
  package var refusal: CommandFailure? {
    // A target above a source directory would take that directory along.
    let sources = targets.filter { target in
      sourcePaths.contains { Self.contains(target, $0) }
    }
    let outside = targets.filter { target in
      !Self.contains(projectDirectory, target) || target == projectDirectory
    }
    if projectFilesOnly, !outside.isEmpty {
      return Self.refuse(
        "dbt will not clean the following directories outside the project: ",
        outside,
        hint: "take them out of clean-targets, or pass --no-clean-project-files-only"
      )
    }
    if !sources.isEmpty {
      return Self.refuse(
        "dbt will not clean the following source paths: ",
        sources,
        hint: "take them out of clean-targets in dbt_project.yml"
      )
    }
    // Whatever the flags say: the project itself, or a directory above it, is never a target.
    let enclosing = targets.filter { Self.contains($0, projectDirectory) }
    guard !enclosing.isEmpty else { return nil }
    return Self.refuse(
      "dbt will not clean directories that hold the project itself: ",
      enclosing,
      hint: "take them out of clean-targets in dbt_project.yml"
    )
  }

  private static func refuse(_ text: String, _ paths: [String], hint: String) -> CommandFailure {
    let list = paths.map { "'\($0)'" }.joined(separator: ", ")
    return CommandFailure(
      head: "Runtime Error",
      diagnostic: Diagnostic(
        id: "clean.refused",
        message: "\(text)[\(list)]",
        hint: hint
      )
    )
  }

  private static func contains(_ directory: String, _ path: String) -> Bool {
    directory == "/" || path == directory || path.hasPrefix(directory + "/")
  }

  /// Deletes a file or a directory with all below it; links are deleted, not followed. What is not
  /// there counts as deleted.
  private static func remove(_ path: String) -> CommandFailure? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return errno == ENOENT ? nil : failure(path) }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      return unlink(path) == 0 ? nil : failure(path)
    }
    guard let directory = opendir(path) else { return failure(path) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(
          to: CChar.self,
          capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)
        ) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    closedir(directory)
    for name in names {
      if let failure = remove(path + "/" + name) { return failure }
    }
    return rmdir(path) == 0 ? nil : failure(path)
  }

  private static func failure(_ path: String) -> CommandFailure {
    CommandFailure(
      head: "Runtime Error",
      diagnostic: Diagnostic(
        id: "clean.failed",
        message: "cannot delete \(path): \(String(cString: strerror(errno)))",
        hint: "check who owns it, then run clean again"
      )
    )
  }
}
