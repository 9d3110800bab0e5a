import Foundation
import Testing

/// What dbt's JSON schemas do not know is warned of on Redshift, with the fields of dbt's events.
struct SchemaWarningTests {
  private static let files = [
    "dbt_project.yml": """
    name: p
    version: '1.0'
    profile: p
    models:
      p:
        materialized: view
        +tags: [a]
        tags: [b]
        meta: {owner: me}
        custom_thing: 3
        +custom_plus: 4
        sub:
          schema: x
          dist: even
          +sort: id
          enabledd: true
    seeds:
      quote_columns: true
      p: {delimiter: ";"}

    """,
    "profiles.yml": """
    p:
      target: dev
      outputs:
        dev:
          {type: redshift, host: x.us-east-1.redshift.amazonaws.com, port: 5439, user: u, password: x,
           dbname: d, schema: s}

    """,
    "models/a.sql": "{{ config(materialized='view', my_custom=3, dist='even') }}\nselect 1 as id\n",
    "models/sub/b.sql": "select 1 as id\n",
    "models/s.yml": """
    customtop: 1
    models:
      - name: a
        meta: {a: 1}
        group: g
        foo: 1
        materialized: view
        config: {custom_in: 1, sort: id}
        columns:
          - {name: id, tags: [x], bar: 2, data_type: int}
    groups: [{name: g, owner: {name: x}}]
    sources:
      - name: src
        loaded_at_field: x
        tables:
          - {name: t, freshness: {warn_after: {count: 1, period: day}}, yyy: 1}
    exposures:
      - {name: e, type: dashboard, owner: {name: x}, tags: [q]}

    """,
  ]

  /// Event, key and path, as dbt-redshift's log has them.
  private static let recorded = [
    "CustomKeyInConfigDeprecation my_custom ",
    "CustomKeyInConfigDeprecation +custom_plus p.+custom_plus",
    "CustomKeyInConfigDeprecation custom_thing p.custom_thing",
    "CustomKeyInConfigDeprecation custom_in models[0].config",
    "CustomKeyInConfigDeprecation enabledd p.sub.enabledd",
    "CustomKeyInConfigDeprecation owner p.meta.owner",
    "CustomKeyInObjectDeprecation bar models[0].columns[0]",
    "CustomKeyInObjectDeprecation foo models[0]",
    "CustomKeyInObjectDeprecation yyy sources[0].tables[0]", "CustomTopLevelKeyDeprecation  ",
    "MissingPlusPrefixDeprecation delimiter p.delimiter",
    "MissingPlusPrefixDeprecation dist p.sub.dist",
    "MissingPlusPrefixDeprecation materialized p.materialized",
    "MissingPlusPrefixDeprecation quote_columns quote_columns",
    "MissingPlusPrefixDeprecation schema p.sub.schema", "MissingPlusPrefixDeprecation tags p.tags",
    "PropertyMovedToConfigDeprecation freshness sources[0].tables[0]",
    "PropertyMovedToConfigDeprecation group models[0]",
    "PropertyMovedToConfigDeprecation loaded_at_field sources[0]",
    "PropertyMovedToConfigDeprecation materialized models[0]",
    "PropertyMovedToConfigDeprecation meta models[0]",
    "PropertyMovedToConfigDeprecation tags exposures[0]",
    "PropertyMovedToConfigDeprecation tags models[0].columns[0]",
  ]

  private struct Line: Decodable {
    struct Info: Decodable { var name: String }
    struct Data: Decodable {
      var key: String?
      var place: String?
      var line: Int?

      enum CodingKeys: String, CodingKey {
        case key, line
        case place = "key_path"
      }
    }
    var info: Info
    var data: Data
  }

  private func warnings(_ type: String) async throws -> [Line] {
    let home = try TestHome.shared.get()
    let files = Self.files.mapValues { $0.replacingOccurrences(of: "redshift,", with: "\(type),") }
    let folder = try home.folder("schemas-\(UInt32.random(in: 0...UInt32.max))", files: files)
    let result = try await Sectoral.run(
      ["parse", "--show-all-deprecations", "--log-format", "json"],
      in: folder,
      home: home
    )
    #expect(result.exitCode == 0, "\(result)")
    return result.output.split(separator: "\n").compactMap {
      try? JSONDecoder().decode(Line.self, from: Foundation.Data($0.utf8))
    }.filter { $0.info.name.hasSuffix("Deprecation") }
  }

  @Test func areThoseOfDbtOnRedshift() async throws {
    let found = try await warnings("redshift")
    let texts = found.map { "\($0.info.name) \($0.data.key ?? "") \($0.data.place ?? "")" }
    #expect(texts.sorted() == Self.recorded.sorted())
    #expect(found.allSatisfy { $0.data.line != nil })
  }

  @Test func areSlipsAloneOnPostgres() async throws {
    let found = try await warnings("postgres").map(\.info.name)
    #expect(!found.contains("MissingPlusPrefixDeprecation"))
    #expect(!found.contains("PropertyMovedToConfigDeprecation"))
  }
}
