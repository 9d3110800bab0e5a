package import SectoralText

/// What the outside gives to the installation of packages, and is told of it.
package struct PackageWorld: Sendable {
  package var environment: [String: String]
  /// Ctrl-C.
  package var isCancelled: @Sendable () -> Bool
  /// Waits so many seconds.
  package var pause: @Sendable (Double) -> Void
  package var report: @Sendable (PackageEvent) -> Void
  /// Shows a warning under the name of dbt's event, or throws where it is to be an error.
  package var warn: @Sendable (String, Diagnostic) throws -> Void
  /// The version of dbt that packages are asked to fit; nil where nobody wants to know.
  package var dbtVersion: String?

  package init(
    environment: [String: String],
    isCancelled: @escaping @Sendable () -> Bool,
    pause: @escaping @Sendable (Double) -> Void,
    dbtVersion: String?,
    report: @escaping @Sendable (PackageEvent) -> Void,
    warn: @escaping @Sendable (String, Diagnostic) throws -> Void
  ) {
    self.environment = environment
    self.isCancelled = isCancelled
    self.pause = pause
    self.dbtVersion = dbtVersion
    self.report = report
    self.warn = warn
  }
}

/// What happens while packages are installed.
package enum PackageEvent: Sendable, Hashable {
  case noPackages
  case createdFile(String)
  case duplicateRemoved(entry: String, file: String)
  case packageAdded(name: String, version: String, path: String)
  case updatingLock(path: String)
  case installing(String)
  case installed(from: String)
  case subdirectory(String)
  case updateAvailable(String)
  case upToDate
  case updatesAvailable([String])
  case hubRequest(String)
  case hubResponse(String, Int)
  case retry(Int, String)
  case download(String)
  case checkout(String)
  case linked(String)
  case copied(String)
  /// Another process installs packages of this project.
  case waiting
}
