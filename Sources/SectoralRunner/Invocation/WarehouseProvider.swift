package import SectoralProject
package import SectoralWarehouse

/// Opens the database that a profile names. The executable supplies it: nothing below knows libpq or
/// how a private server is started.
package protocol WarehouseProvider: Sendable {
  /// Makes the profile usable: an embedded server is started, and its address filled in.
  func warehouse(for profile: Profile) throws(Failure) -> any Warehouse
  /// The database that belongs to a project in the embedded server.
  func embeddedDatabase(projectName: String, projectDirectory: String) -> String
  /// `sectoral db …`; the text is printed as it is.
  func perform(
    _ action: DatabaseAction,
    for profile: Profile,
    projectDirectory: String
  )
    throws(Failure) -> String
}
