import SectoralProject
import SectoralText
import SectoralYAML

/// Who may refer to which model (spec: project, section 10).
struct AccessRules: Sendable {
  /// Whose nodes by id are the enabled ones.
  let manifest: Manifest
  let groups: Set<String>
  /// The packages with `restrict-access: true`.
  let restricting: Set<String>

  func check(_ node: Node, _ failures: inout [Failure]) {
    func problem(_ id: String, _ message: String, _ hint: String?, _ key: String, _ value: String) {
      let places = [node.source, node.properties, node.declaration].compactMap(\.self)
      failures.append(
        Failure(
          .parsing,
          Diagnostic(
            id: id,
            message: message,
            span: places.lazy.compactMap { $0.place(of: value, after: key) }.first ?? places.first,
            hint: hint
          )
        )
      )
    }
    if let group = node.group, !groups.contains(group) {
      problem(
        "group.not-found",
        "Invalid group '\(group)', expected one of "
          + "[\(groups.sorted().map { "'\($0)'" }.joined(separator: ", "))]",
        Spelling.nearest(to: group, among: groups).map { "did you mean '\($0)'?" }
          ?? "declare it under 'groups:' in a properties file, with a name and an owner",
        "group",
        group
      )
    }
    if node.resourceType == .model {
      if !["private", "protected", "public"].contains(node.access) {
        problem(
          "access.unknown",
          "Node \(node.uniqueID) has an invalid value (\(node.access)) for the access field",
          "write private, protected or public",
          "access",
          node.access
        )
      } else if node.access == "public", node.isEphemeralModel {
        problem(
          "access.ephemeral",
          "Node \(node.uniqueID) with 'ephemeral' materialization has an invalid value (public) for "
            + "the access field",
          "materialize it as a view, or make it protected",
          "access",
          node.access
        )
      }
    }
    check(
      node.uniqueID,
      node.dependsOnNodes,
      group: node.group,
      package: node.packageName,
      at: { target in
        let index = node.refs.firstIndex { $0.name == target.name }
        let span = index.flatMap { $0 < node.refSpans.count ? node.refSpans[$0] : nil }
        return span ?? node.source ?? node.declaration
      },
      &failures
    )
  }

  /// Exposures and their like, which belong to no group.
  func check(_ resource: PlainResource, _ failures: inout [Failure]) {
    check(
      resource.uniqueID,
      resource.dependsOnNodes,
      group: resource.config["group"]?.string,
      package: resource.packageName,
      at: { resource.declaration?.place(of: $0.name, after: "depends_on") ?? resource.declaration },
      &failures
    )
  }

  private func check(
    _ id: String,
    _ parents: [String],
    group: String?,
    package: String,
    at place: (Node) -> TextSpan?,
    _ failures: inout [Failure]
  ) {
    for parent in parents {
      guard let target = manifest.node(parent), target.resourceType == .model else { continue }
      let isRestricted =
        restricting.contains(target.packageName) && target.packageName != package
      let words: String
      let hint: String
      switch target.access {
      case "private" where group == nil || group != target.group || isRestricted:
        words = "private to the '\(target.group ?? "")' group."
        hint = "put both into one group, or make the model protected"
      case "protected" where isRestricted:
        words = "protected to the '\(target.packageName)' package."
        hint = "the package lets others use its public models alone"
      default: continue
      }
      failures.append(
        Failure(
          .parsing,
          Diagnostic(
            id: target.access == "private" ? "access.private" : "access.protected",
            message:
              "Node \(id) attempted to reference node \(target.uniqueID), which is not allowed "
              + "because the referenced node is \(words)",
            span: place(target),
            hint: hint
          )
        )
      )
    }
  }
}
