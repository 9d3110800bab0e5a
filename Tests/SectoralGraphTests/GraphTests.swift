import SectoralGraph
import SectoralProject
import SectoralTestSupport
import SectoralText
import SectoralYAML
import Testing

struct GraphTests {
  /// Models from `name: parents`; tests begin with `t_`.
  private func graph(_ lines: [(String, [String])], exposures: [(String, [String])] = []) -> Graph {
    var manifest = Manifest()
    manifest.exposures = exposures.map { name, parents in
      let exposure = PlainResource(
        uniqueID: "exposure.p.\(name)",
        resourceType: .exposure,
        name: name,
        packageName: "p",
        originalFilePath: "models/exposures.yml",
        fqn: ["p", name],
        declaration: nil,
        fields: DatumMap()
      )
      exposure.dependsOnNodes = parents.map { "model.p.\($0)" }
      return exposure
    }
    func id(_ name: String) -> String {
      name.hasPrefix("t_") ? "test.p.\(name)" : "model.p.\(name)"
    }
    manifest.nodes = lines.map { name, parents in
      let node = Node(
        uniqueID: id(name),
        resourceType: name.hasPrefix("t_") ? .test : .model,
        name: name,
        packageName: "p",
        path: "\(name).sql",
        originalFilePath: "models/\(name).sql",
        fqn: ["p", name],
        checksum: .none,
        rawCode: "select 1",
        createdAt: 0
      )
      let code = parents.map { "select * from {{ ref('\($0)') }}" }.joined(separator: "\n")
      let file = SourceFile(path: "models/\(name).sql", text: code)
      node.source = TextSpan(file: file, start: 0, end: file.bytes.count)
      node.dependsOnNodes = parents.map(id)
      return node
    }
    return Graph(manifest)
  }

  private func set(_ graph: Graph, _ names: [String]) -> MemberSet {
    var set = graph.emptySet
    for id in graph.ids where names.contains(graph[id].name) { set.insert(id) }
    return set
  }

  @Test func aLongChainHasAPlan() {
    let chain = (0..<50_000).map { ("m\($0)", $0 == 0 ? [] : ["m\($0 - 1)"]) }
    let graph = graph(chain)
    var all = graph.emptySet
    for id in graph.ids { all.insert(id) }
    #expect(ExecutionPlan(graph: graph, selected: all).levels.last == 49_999)
  }

  @Test func ordersByLevelThenName() {
    let graph = graph([("z", []), ("b", ["z"]), ("a", ["b"]), ("c", []), ("d", ["c", "b"])])
    let plan = ExecutionPlan(graph: graph, selected: set(graph, ["z", "a", "b", "c", "d"]))
    #expect(plan.order.map { graph[$0].name } == ["c", "z", "b", "a", "d"])
    #expect(plan.levels == [0, 0, 1, 2, 2])
    #expect(plan.successors == [[4], [2], [3, 4], [], []])
  }

  @Test func membersLeftOutStillOrderTheOthers() {
    let graph = graph([("a", []), ("b", ["a"]), ("c", ["b"]), ("d", ["b"]), ("e", ["d", "a"])])
    let plan = ExecutionPlan(graph: graph, selected: set(graph, ["a", "c", "e"]))
    #expect(plan.order.map { graph[$0].name } == ["a", "c", "e"])
    #expect(plan.successors == [[1, 2], [], []])
  }

  @Test func testsGateWhatIsDownstreamOfAllTheirParents() {
    let graph = graph([
      ("a", []), ("b", []), ("c", ["a"]), ("d", ["a", "b"]), ("e", ["d"]), ("t_a", ["a"]),
      ("t_ab", ["a", "b"]), ("t_d", ["d"]),
    ])
    let gated = graph.withTestEdges()
    func below(_ name: String) -> [String] {
      gated.descendants(of: set(gated, [name])).map { gated[$0].name }
    }
    #expect(below("t_a") == ["c", "d", "e", "t_d"])
    #expect(below("t_ab") == ["d", "e", "t_d"])
    #expect(below("t_d") == ["e"])
    // Nothing waits for itself.
    for id in gated.ids { #expect(!gated.descendants(of: [id]).contains(id)) }
  }

  @Test func exposuresWaitForTheirModelsAlone() {
    let graph = graph(
      [("a", []), ("b", ["a"]), ("t_a", ["a"]), ("t_ab", ["a", "b"])],
      exposures: [("near", ["a"]), ("far", ["b"])]
    )
    let gated = graph.withTestEdges()
    let below = gated.descendants(of: set(gated, ["t_a"])).map { gated[$0].name }
    #expect(below.sorted() == ["b", "far", "t_ab"])
    #expect(gated.descendants(of: set(gated, ["t_ab"])).map { gated[$0].name } == [])
  }

  /// The definitions, word by word, against the quick ways: reduced edges keep who waits for whom,
  /// and the few edges of tests say the same as all of them.
  @Test(arguments: 0..<30) func reducedGraphsKeepTheirOrder(seed: Int) {
    var random = SplitMix(seed: UInt64(seed))
    let count = Int.random(in: 2...40, using: &random)
    var lines: [(String, [String])] = []
    for index in 0..<count {
      let models = lines.map(\.0).filter { !$0.hasPrefix("t_") }
      let parents = models.filter { _ in Int.random(in: 0..<4, using: &random) == 0 }.prefix(4)
      let isTest = index > 2 && Int.random(in: 0..<3, using: &random) == 0
      lines.append(((isTest ? "t_" : "m_") + String(index), Array(parents)))
    }
    let graph = graph(lines)
    let gated = graph.withTestEdges()
    for test in graph.ids where graph[test].resourceType == .test {
      let parents = Array(graph.predecessors(of: test))
      var expected = graph.emptySet
      for id in graph.ids where !graph[id].isTest && !parents.isEmpty {
        if graph.ancestors(of: [id]).isSuperset(of: parents) { expected.insert(id) }
      }
      let found = gated.descendants(of: [test])
      #expect(graph.ids.filter { found.contains($0) && !graph[$0].isTest } == Array(expected))
    }
    var selected = graph.emptySet
    for id in graph.ids where Bool.random(using: &random) { selected.insert(id) }
    let plan = ExecutionPlan(graph: gated, selected: selected)
    for (place, id) in plan.order.enumerated() {
      var reached: Set<Int> = []
      var stack = plan.successors[place]
      while let next = stack.popLast() {
        if reached.insert(next).inserted { stack += plan.successors[next] }
      }
      var expected = gated.descendants(of: [id])
      expected.formIntersection(selected)
      #expect(Set(reached.map { plan.order[$0] }) == Set(expected))
      #expect(reached.allSatisfy { plan.levels[$0] > plan.levels[place] })
    }
  }

  @Test func mistakesInSelectorsHavePlaces() {
    let yaml = """
      selectors:
        - name: a
          definition: {tagg: x}
        - name: b
          definition: {union: ["x"], tag: y}
        - name: c
          definition: {method: selector, value: a1}
        - name: d
          definition: {method: tag, value: x, parents: maybe}
        - definition: x
        - name: e
          definition: {method: tag, value: x, indirect_selection: never}
      """
    do throws(Failure) {
      let (root, _) = YAMLParser.parse(yaml)
      if let root { _ = try SelectorFile(root, indirectSelection: .eager) }
      Issue.record("the mistakes were not found")
    } catch {
      #expect(error.diagnostics.count == 6)
      #expect(error.diagnostics.compactMap { $0.span?.position.line } == [3, 5, 7, 9, 10, 12])
      #expect(error.diagnostics[0].hint == "did you mean 'tag:'?")
    }
  }
}
