import SectoralGraph
import SectoralProject
import SectoralYAML

extension Engine {
  /// graph_summary.json: who comes after whom, by numbers; for `build` also with the edges by which
  /// nodes wait for the tests of what they depend on (`withTestEdges`).
  func writeGraphSummary(_ project: Project, withTestEdges tested: Graph?) throws {
    guard flags.writeJSON else { return }
    var text = "{\"_invocation_id\": \(JSON.text(of: .string(invocation.id))), \"linked\": "
    Self.append(project.graph, to: &text)
    if let tested {
      text += ", \"with_test_edges\": "
      Self.append(tested, to: &text)
    }
    try FileSystem.write(Array((text + "}").utf8), to: "\(project.targetPath)/graph_summary.json")
  }

  private static func append(_ graph: Graph, to text: inout String) {
    text += "{"
    for id in graph.ids {
      let member = graph[id]
      if id.offset > 0 { text += ", " }
      text += "\"\(id.offset)\": {\"name\": \(JSON.text(of: .string(member.uniqueID))), "
      text += "\"type\": \"\(member.resourceType.rawValue)\""
      let next = graph.successors(of: id).map { String($0.offset) }
      if !next.isEmpty { text += ", \"succ\": [\(next.joined(separator: ", "))]" }
      text += "}"
    }
    text += "}"
  }
}
