/// The kinds of things that a project is made of; the texts are those of unique ids.
package enum ResourceType: String, Sendable, Hashable, CaseIterable {
  case model, analysis, test, snapshot, operation, seed, source, macro, doc, exposure, metric
  case group, function, fixture
  case sqlOperation = "sql_operation"
  case savedQuery = "saved_query"
  case semanticModel = "semantic_model"
  case unitTest = "unit_test"

  /// As counted in messages: "3 seeds", "1 analysis".
  package var plural: String {
    switch self {
    case .analysis: "analyses"
    case .savedQuery: "saved_queries"
    default: rawValue + "s"
    }
  }

  /// What `ref` can point to.
  package var isRefable: Bool { self == .model || self == .seed || self == .snapshot }
}
