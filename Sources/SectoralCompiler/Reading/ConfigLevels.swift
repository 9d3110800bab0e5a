import SectoralProject

extension Workspace {
  /// What the trees of dbt_project.yml say of a resource, weak to strong: those of its package; and those
  /// of the root project for what belongs to another package, which have the last word, after the files.
  func configLevels(
    of type: ResourceType,
    for fqn: [String],
    in package: String
  ) -> (own: [ConfigTree.Level], root: [ConfigTree.Level]) {
    func levels(_ package: Package?) -> [ConfigTree.Level] {
      package?.definition.trees[type]?.levels(for: fqn) ?? []
    }
    return (levels(self.package(package)), package == root.name ? [] : levels(root))
  }
}
