import SectoralGraph
import SectoralProject
import SectoralText
import SectoralYAML
import Testing

/// dbt-core's `ls` on a project with every kind of resource; `Data/record.py` recorded it.
struct SelectionConformanceTests {
  private static let graph = Graph(Recording.shared.manifest)

  @Test(arguments: Recording.shared.cases) func selectsAsDbt(_ recorded: RecordedCase) {
    do throws(Failure) {
      var selector = Selector(graph: Self.graph, projectName: "lab") {
        Recording.shared.files.contains($0)
      }
      let selected = try selector.evaluate(spec(of: recorded))
      let kept = selector.filter(selected, types: types(of: recorded), keepsEmpty: true)
      #expect(selector.emptyCriteria.map(\.raw) == recorded.warnings)
      let expected = recorded.error.map { ["error: \($0)"] } ?? recorded.lines ?? []
      let lines = kept.map { line(Self.graph[$0], recorded) }
      if recorded.output == "json" {
        #expect(lines.map(objectOfNode) == expected.map(objectOfNode))
      } else {
        #expect(lines == expected)
      }
    } catch {
      let text = error.text()
      #expect(recorded.error.map { sameError(text, $0) } ?? false, "\(text)")
    }
  }

  @Test func normalisesSelectorsAsDbt() throws {
    let file = try selectorFile(.eager)
    #expect(JSON.text(of: .map(file.normalised)) == JSON.text(of: Recording.shared.normalised))
  }

  private func spec(of recorded: RecordedCase) throws(Failure) -> SelectionSpec {
    guard let name = recorded.selector else {
      return try .commandLine(
        select: recorded.select,
        exclude: recorded.exclude,
        indirectSelection: recorded.mode
      )
    }
    return try selectorFile(recorded.mode).selector(name).definition
  }

  private func selectorFile(_ mode: IndirectSelection) throws(Failure) -> SelectorFile {
    let (root, _) = YAMLParser.parse(Recording.shared.selectors)
    guard let root else { return SelectorFile() }
    return try SelectorFile(root, indirectSelection: mode)
  }

  private func types(of recorded: RecordedCase) -> Set<ResourceType> {
    let usual: Set<ResourceType> = [
      .model, .snapshot, .seed, .test, .source, .exposure, .metric, .savedQuery, .semanticModel,
      .unitTest, .function,
    ]
    func expanded(_ words: [String]) -> Set<ResourceType> {
      var set: Set<ResourceType> = []
      for word in words {
        switch word {
        case "default": set.formUnion(usual)
        case "all": set.formUnion(usual.union([.analysis]))
        default: set.insert(ResourceType(rawValue: word) ?? .macro)
        }
      }
      return set
    }
    let wanted = recorded.types.isEmpty ? usual : expanded(recorded.types)
    return wanted.subtracting(expanded(recorded.excludedTypes))
  }

  private func line(_ member: GraphMember, _ recorded: RecordedCase) -> String {
    switch recorded.output {
    case "name": member.searchName
    case "path": member.originalFilePath
    case "json": member.listingJSON(keys: recorded.keys)
    default: member.selectorText
    }
  }

  /// Of other resources the recording has not all fields.
  private func objectOfNode(_ line: String) -> Datum? {
    guard let object = try? JSON.parse(line), object["fqn"] == nil else { return nil }
    let type = object["unique_id"]?.string?.prefix { $0 != "." } ?? ""
    return ["model", "test", "snapshot", "analysis"].contains(type) ? object : nil
  }

  private func sameError(_ text: String, _ recorded: String) -> Bool {
    let message = recorded.split(separator: "\n" as Character).dropFirst().joined(separator: "\n")
    return text.contains(message)
  }
}
