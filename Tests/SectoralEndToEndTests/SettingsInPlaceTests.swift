import Foundation
import SectoralYAML
import Testing

/// Settings that a model's own template changes in place stand in the manifest, as with dbt.
struct SettingsInPlaceTests {
  @Test func areInTheManifestOnceTheModelIsCompiled() async throws {
    let home = try TestHome.shared.get()
    let folder = try home.folder(
      "in-place-\(UInt32.random(in: 0...UInt32.max))",
      files: [
        "dbt_project.yml": BadInput.projectFile(),
        "models/a.sql": """
        {% do config.get('meta', {}).update({'x': 1}) %}
        {% do config.get('tags', []).append('t') %}
        select {{ config.get('meta')['x'] }} as id

        """,
        "models/s.yml": "models:\n  - {name: a, config: {meta: {q: 2}, tags: [u]}}\n",
      ]
    )
    let result = try await Sectoral.run(["compile"], in: folder, home: home)
    #expect(result.exitCode == 0, "\(result)")
    let text = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/target/manifest.json"))
    let node = try JSON.parse(Array(text))["nodes"]?["model.faulty.a"]
    func shown(_ value: Datum?) -> String { value.map { JSON.text(of: $0) } ?? "" }
    #expect(shown(node?["config"]?["meta"]) == #"{"q": 2, "x": 1}"#)
    #expect(shown(node?["config"]?["tags"]) == #"["u", "t"]"#)
    #expect(shown(node?["meta"]) == #"{"q": 2}"#)
    #expect(shown(node?["tags"]) == #"["u"]"#)
  }
}
