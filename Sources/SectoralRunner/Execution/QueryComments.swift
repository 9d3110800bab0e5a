import SectoralCompiler
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

/// The comment that goes with statements (spec: runtime, section 4): dbt's, the project's, or none.
struct QueryComments: Sendable {
  private enum Text {
    case standard
    case template(QueryCommentTemplate)
  }

  private let text: Text?
  private let isAppended: Bool
  private let head: DatumMap
  private let workspace: Workspace

  init(_ workspace: Workspace) {
    self.workspace = workspace
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
      case let value?: text = .template(QueryCommentTemplate(value.pythonText, workspace))
      }
    case let value?:
      text = .template(QueryCommentTemplate(value.pythonText, workspace))
      isAppended = false
    }
  }

  /// What gives the comment of one connection, on its thread; nil: no comment.
  func source(connection: String, node: Node?, thread: String) -> QueryCommentSource? {
    switch text {
    case nil: return nil
    case .standard?:
      return QueryCommentSource { [head, isAppended] () throws(WarehouseError) in
        var map = head
        if let node {
          map["node_id"] = .string(node.uniqueID)
        } else {
          map["connection_name"] = .string(connection)
        }
        return QueryComment(text: JSON.text(of: .map(map)), isAppended: isAppended)
      }
    case .template(let template)?:
      return QueryCommentSource(
        template,
        workspace,
        connection: connection,
        node: node,
        thread: thread,
        isAppended: isAppended
      )
    }
  }

  /// Finds a comment that can go with no statement before the first one is sent.
  func check() throws(Failure) {
    do throws(WarehouseError) {
      _ = try source(connection: "master", node: nil, thread: Event.mainThread)?.comment()
    } catch {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "project.query-comment",
          message: error.message,
          span: workspace.root.definition.file.startSpan,
          hint: error.hint
        )
      )
    }
  }
}

/// The comments of one connection; belongs to its thread.
///
/// Nothing is made before the first statement: most sessions of a quick command send none.
final class QueryCommentSource {
  private let render: () throws(WarehouseError) -> QueryComment?
  /// Whether all statements have the same comment.
  private let isConstant: Bool
  private var constant: QueryComment?

  /// `make`: gives the comment of all statements.
  init(_ make: @escaping () throws(WarehouseError) -> QueryComment) {
    render = make
    isConstant = true
  }

  init(
    _ template: QueryCommentTemplate,
    _ workspace: Workspace,
    connection: String,
    node: Node?,
    thread: String,
    isAppended: Bool
  ) {
    var renderer: QueryCommentRenderer?
    isConstant = false
    render = { () throws(WarehouseError) in
      let made = renderer ?? QueryCommentRenderer(template, workspace, threadName: thread)
      renderer = made
      let text = try made.text(connection: connection, node: node)
      guard !text.isEmpty else { return nil }
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

  func comment() throws(WarehouseError) -> QueryComment? {
    if let constant { return constant }
    let comment = try render()
    if isConstant { constant = comment }
    return comment
  }
}
