import SectoralCompiler
import SectoralProject
import SectoralWarehouse
import SectoralYAML

/// The comment that goes with statements (spec: runtime, section 4): dbt's, the project's, or none.
struct QueryComments: Sendable {
  private enum Text {
    case standard
    /// Holds no template.
    case constant(String)
  }

  private let text: Text?
  private let isAppended: Bool
  private let head: DatumMap

  /// - Parameter render: renders a project's own comment, once: names of connections and nodes in it
  ///   are not supported yet and are refused by the reader of the project file.
  init(_ workspace: Workspace) {
    head = [
      "app": "dbt", "dbt_version": .string(WorkspaceLoader.compatibleVersion),
      "profile_name": .string(workspace.profile.profileName),
      "target_name": .string(workspace.profile.targetName),
    ]
    switch workspace.root.definition.queryComment {
    case nil:
      text = .standard
      isAppended = false
    case .null?, .string("")?:
      text = nil
      isAppended = false
    case .map(let map)?:
      isAppended = map["append"]?.bool ?? false
      switch map["comment"] {
      case nil: text = .standard
      case .null?, .string("")?: text = nil
      case let value?: text = .constant(value.pythonText)
      }
    case let value?:
      text = .constant(value.pythonText)
      isAppended = false
    }
  }

  func comment(connection: String, node: String?) throws(WarehouseError) -> QueryComment? {
    switch text {
    case nil: return nil
    case .standard?:
      var map = head
      if let node {
        map["node_id"] = .string(node)
      } else {
        map["connection_name"] = .string(connection)
      }
      return QueryComment(text: JSON.text(of: .map(map)), isAppended: isAppended)
    case .constant(let text)?:
      guard !text.contains("*/") else {
        throw WarehouseError(
          kind: .statement,
          message: "query-comment contains illegal value \"*/\": \(text)",
          hint: "take '*/' out of 'query-comment' in dbt_project.yml"
        )
      }
      return QueryComment(text: text, isAppended: isAppended)
    }
  }
}
