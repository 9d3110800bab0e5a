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
}
