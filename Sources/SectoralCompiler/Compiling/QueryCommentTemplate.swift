import SectoralJinja
package import SectoralProject
import SectoralText
package import SectoralWarehouse

/// The project's `query-comment`: a template that is rendered for every statement.
package final class QueryCommentTemplate: Sendable {
  fileprivate let entry: MacroEntry

  /// The text becomes the body of a macro, so that it may use `return`.
  package init(_ text: String, _ workspace: Workspace) {
    let definition = workspace.root.definition
    let file = SourceFile(
      path: "\(definition.file.path) (query-comment)",
      text: "{%- macro query_comment_macro(connection_name, node) -%}\n\(text)\n{% endmacro %}"
    )
    let macro = Macro(
      uniqueID: "macro.\(workspace.root.name).query_comment_macro",
      name: "query_comment_macro",
      packageName: workspace.root.name,
      originalFilePath: "dbt_project.yml",
      span: TextSpan(file: file, start: 0, end: file.bytes.count),
      createdAt: 0,
      supportedLanguages: nil
    )
    entry = MacroEntry(macro, environment: workspace.environment)
  }
}

/// Renders the comment on one thread, apart from the template that sends the statement.
package final class QueryCommentRenderer {
  private let template: QueryCommentTemplate
  private let context: NodeContext

  package init(_ template: QueryCommentTemplate, _ workspace: Workspace, threadName: String) {
    self.template = template
    context = NodeContext(
      RenderingThread(workspace, threadName: threadName),
      node: nil,
      packageName: workspace.root.name,
      emit: { _ in }
    )
  }

  package func text(connection: String, node: Node?) throws(WarehouseError) -> String {
    do throws(TemplateError) {
      let value = try context.hosting { () throws(TemplateError) in
        try context.call(
          template.entry,
          Arguments([.string(connection), node.map { Value($0.layout()) } ?? .none])
        )
      }
      return String(try context.interpreter.string(value).trimmingBlanks)
    } catch {
      throw WarehouseError(
        kind: .statement,
        message: "query-comment: \(error.diagnostic.message)",
        hint: error.diagnostic.hint
      )
    }
  }
}
