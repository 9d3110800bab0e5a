import Foundation
import Testing

/// Settings that Redshift cannot take: the model, the place and the setting are told, and nothing is sent
/// for it where that can be known.
@Suite(.enabled(if: RedshiftStandIn.isThere, RedshiftStandIn.whyNot))
struct RedshiftInputTests {
  /// The config, what is said, the setting that the place shows.
  private static let known: [(name: String, config: String, words: String)] = [
    ("two_dists", "dist='a, b'", "dist: 'a, b' names several columns"),
    ("dist_list", "dist=['a']", "dist: ['a'] is no text"),
    ("sort_number", "sort=1", "sort: 1 names no columns"),
    ("no_sorts", "sort=[]", "sort: [] names no columns"),
    ("sort_twice", "sort=['a', 'A']", "sort names 'A' twice"),
    ("unknown_type", "sort='a', sort_type='zigzag'", "sort_type: 'zigzag' is not known"),
    (
      "both_types", "sort='a', sort_type=['compound', 'interleaved']",
      "sort_type: ['compound', 'interleaved'] is not known"
    ),
    (
      "both_kinds", "sort=['a', 'b'], sort_type='auto'",
      "sort_type: 'auto' and sort: 'a, b' exclude each other"
    ),
    (
      "auto_kind", "sort='auto', sort_type='interleaved'",
      "sort: 'auto' and sort_type: 'interleaved' exclude"
    ),
    (
      "too_many", "sort_type='interleaved', sort=['a','b','c','d','e','f','g','h','i']",
      "sort names 9 columns, and an interleaved sort key has at most 8"
    ),
    ("backup_word", "backup='maybe'", "backup: 'maybe' is neither true nor false"),
    (
      "auto_view", "materialized='materialized_view', dist='auto'",
      "do not support a `diststyle` of `auto`"
    ),
  ]

  @Test func settingsThatCannotBe() async throws {
    var files = [
      "dbt_project.yml": "name: rs_input\nprofile: warehouse\nmodels: {+materialized: table}\n"
    ]
    for (name, config, _) in Self.known {
      files["models/\(name).sql"] = "-- a model\n{{ config(\(config)) }}\nselect 1 as a, 2 as b\n"
    }
    let long = String(repeating: "ä", count: 64)
    files["models/\(long).sql"] = "select 1 as a"
    files["models/agreed.sql"] = "select 1 as customer_id"
    files["models/agreed.yml"] = """
      models:
        - name: agreed
          config:
            contract: {enforced: true}
            dist: custmer_id
          columns: [{name: customer_id, data_type: integer}]
        - name: elsewhere
          config: {schema: "\(String(repeating: "s", count: 128))"}
      """
    files["models/elsewhere.sql"] = "select 1 as a"
    files["macros/schema.sql"] = """
      {% macro generate_schema_name(name, node) %}{{ name or target.schema }}{% endmacro %}
      """
    files["seeds/fruit.csv"] = "id,fruit_name\n1,apple\n"
    files["seeds/fruit.yml"] = "seeds:\n  - name: fruit\n    config: {dist: fruit_nam}\n"
    let project = try RedshiftProject("rs_input", files)
    let sent = try await project.statements {
      let result = try await project.run("build")
      #expect(result.exitCode == 1)
      for (name, _, words) in Self.known {
        #expect(result.output.contains(words), "\(words)\n\(result)")
        #expect(result.output.contains("models/\(name).sql:2:"), "\(name)\n\(result)")
      }
      let words = "is longer than 127 characters"
      #expect(result.output.contains("ä' \(words) of one byte: it has 128 bytes"), "\(result)")
      #expect(result.output.contains("s' \(words): it has 128 bytes"), "\(result)")
      #expect(result.output.contains("dist: 'custmer_id' is no column of the model's contract"))
      #expect(result.output.contains("models/agreed.yml:5:"), "\(result)")
      #expect(result.output.contains("did you mean 'customer_id'?"))
      #expect(result.output.contains("dist: 'fruit_nam' is no column of the seed's file"))
      #expect(result.output.contains("did you mean 'fruit_name'?"))
      #expect(result.output.contains("seeds/fruit.yml:3:"), "\(result)")
    }
    #expect(sent.filter { $0.node != nil }.isEmpty, "\(sent)")
  }

  /// Only the database knows the columns of a query.
  @Test func keysThatTheQueryLacks() async throws {
    let query = "select * from (select 1 as a) as x cross join (select 2 as b) as y"
    let project = try RedshiftProject(
      "rs_keys",
      [
        "models/by_dist.sql": "{{ config(materialized='table', dist='nowhere') }}\n\(query)",
        "models/by_sort.sql": "{{ config(materialized='table', sort=['a', 'nowhere']) }}\n\(query)",
      ]
    )
    let result = try await project.run("run")
    #expect(result.exitCode == 1)
    for setting in ["dist", "sort"] {
      #expect(
        result.output.contains("'nowhere' stands in the model's setting `\(setting)`"),
        "\(result)"
      )
      #expect(result.output.contains("models/by_\(setting).sql:1:"), "\(result)")
    }
    // Nothing is left of them.
    let left = try await project.rows(
      "select table_name from information_schema.tables where table_schema = 'rs_keys'"
    )
    #expect(left.isEmpty, "\(left)")
  }

  /// 127 bytes are a name like others.
  @Test func longNames() async throws {
    let name = String(repeating: "x", count: 127)
    let project = try RedshiftProject(
      "rs_long",
      [
        "models/\(name).sql": "{{ config(materialized='table') }} select 1 as a",
        "models/below.sql": "select a from {{ ref('\(name)') }}",
      ]
    )
    for _ in 0..<2 {
      let result = try await project.run("run")
      #expect(result.exitCode == 0, "\(result)")
    }
    #expect(try await project.rows("select a from rs_long.below") == ["1"])
  }
}
