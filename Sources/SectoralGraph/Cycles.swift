import SectoralProject
package import SectoralText

extension Graph {
  /// The members of a cycle, each a parent of the next and the last of the first; nil when there is
  /// none.
  package func cycle() -> [MemberID]? {
    enum State { case new, open, done }
    var states = [State](repeating: .new, count: count)
    for start in ids where states[start.offset] == .new {
      // An explicit stack: a chain of models may be longer than the thread's.
      var path: [(id: MemberID, rest: ArraySlice<MemberID>)] = []
      func open(_ id: MemberID) {
        states[id.offset] = .open
        path.append((id, ArraySlice(successors(of: id))))
      }
      open(start)
      while let last = path.indices.last {
        guard let next = path[last].rest.popFirst() else {
          states[path[last].id.offset] = .done
          path.removeLast()
          continue
        }
        switch states[next.offset] {
        case .new: open(next)
        case .open:
          let first = path.firstIndex { $0.id == next } ?? 0
          return path[first...].map(\.id)
        case .done: break
        }
      }
    }
    return nil
  }

  /// dbt's message about a cycle, with the place of each reference in it; nil when there is none.
  package func cycleDiagnostic() -> Diagnostic? {
    guard let cycle = cycle() else { return nil }
    let names = cycle.map { self[$0].uniqueID }
    // Each member refers to the one before it.
    let places = cycle.indices.map { index in
      let parent = self[cycle[(index + cycle.count - 1) % cycle.count]]
      return self[cycle[index]].place(ofReferenceTo: parent.name)
    }
    let others = places.dropFirst().compactMap { $0 }.map { span in
      let (line, column) = span.position
      return "\(span.file.path):\(line):\(column)"
    }
    var hint =
      "a model cannot read itself; in an incremental model, '{{ this }}' is its own table"
    if cycle.count > 1 {
      hint = "remove one of the references, for instance by moving what both need to a third model"
      if !others.isEmpty {
        hint += "; the cycle goes on at \(others.joined(separator: ", then "))"
      }
    }
    return Diagnostic(
      id: "graph.cycle",
      message: "Found a cycle: \(names.joined(separator: " --> "))",
      span: places.first ?? nil,
      hint: hint
    )
  }
}

extension GraphMember {
  /// Where the code says `ref('name')`; otherwise where the member is written.
  fileprivate func place(ofReferenceTo name: String) -> TextSpan? {
    guard let node else {
      if case .resource(let resource) = self { return resource.declaration }
      return nil
    }
    guard let source = node.source else { return node.declaration }
    let bytes = source.file.bytes
    for quote in [UInt8(ascii: "'"), UInt8(ascii: "\"")] {
      let needle = [quote] + Array(name.utf8) + [quote]
      var start = source.start
      while start + needle.count <= source.end {
        if bytes[start..<start + needle.count].elementsEqual(needle) {
          return TextSpan(file: source.file, start: start, end: start + needle.count)
        }
        start += 1
      }
    }
    return source
  }
}
