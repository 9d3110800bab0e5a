import SectoralJinja
import SectoralProject
import SectoralWarehouse
import SectoralYAML

/// `query_group` of a node: the queue of Redshift's workload management that its statements wait in, and
/// the label under which the system tables show them (as dbt-redshift's `pre_model_hook`).
extension RunContext {
  /// The node's, where it is another than the profile's, in which sessions are.
  var ownQueryGroup: String? {
    guard workspace.profile.type == "redshift", let value = node?.config["query_group"],
      !value.isNull
    else { return nil }
    let group = value.pythonText
    return group == workspace.profile.credentials["query_group"]?.string ? nil : group
  }

  /// `resets`: nil stands for no group at all; else it changes nothing.
  func setQueryGroup(_ group: String?, resets: Bool = false) throws(TemplateError) {
    guard group != nil || resets, let session else { return }
    let sql =
      group.map {
        let doubled = $0.split(separator: "'", omittingEmptySubsequences: false)
          .joined(separator: "''")
        return "set query_group to '\(doubled)'"
      } ?? "reset query_group"
    _ = try session.execute(sql, autoBegin: false, fetch: false)
  }
}
