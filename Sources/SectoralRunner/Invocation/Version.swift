/// The versions we go by.
package enum ProductVersion {
  /// Our own.
  package static let own = "0.1.0"
  /// The dbt-core whose behaviour this is; artifacts and `require-dbt-version` go by it.
  package static let compatible = "1.11.16"
  /// The adapters whose behaviour this is.
  package static let adapters: [(name: String, version: String)] = [
    ("postgres", "1.11.0"), ("redshift", "1.11.1"),
  ]

  /// The version of one of `adapters`.
  package static func adapter(_ name: String) -> String? {
    adapters.first { $0.name == name }?.version
  }
}
