import Foundation
import Testing

/// Built-in macros that ask the server, beside what dbt-core's answered; see Recorded/README.md.
struct MacroCallTests {
  @Test func postgres() async throws {
    let calls = try Self.calls("postgres")
    let project = try SmallProject("macro_calls", Self.files(calls, relations: Self.relations))
    let database = try await self.database(of: project.folder) { try await project.run($0) }
    try Self.check(calls, project.folder, database)
  }

  @Test(.enabled(if: RedshiftStandIn.isThere, RedshiftStandIn.whyNot))
  func redshift() async throws {
    let calls = try Self.calls("redshift")
    var files = Self.files(calls, relations: Self.redshiftRelations)
    files["dbt_project.yml"] = "name: macro_calls_rs\nprofile: warehouse\n" + Self.settings
    let project = try RedshiftProject("macro_calls_rs", files)
    let database = try await self.database(of: project.folder) {
      try await Sectoral.run($0, in: project.folder, home: project.home)
    }
    try Self.check(calls, project.folder, database)
  }

  /// Makes the relations and runs the models; the name of the database.
  private func database(
    of folder: String,
    run: ([String]) async throws -> Sectoral.Result
  ) async throws -> String {
    let made = try await run(["run-operation", "make_relations"])
    try #require(made.exitCode == 0, "\(made)")
    _ = try await run(["run"])
    let nodes = try Self.json("\(folder)/target/manifest.json")["nodes"] as? [String: [String: Any]]
    return try #require(nodes?.values.first?["database"] as? String)
  }

  private static func check(_ calls: [Call], _ folder: String, _ database: String) throws {
    let results = try json("\(folder)/target/run_results.json")["results"] as? [[String: Any]]
    let byName = Dictionary(
      try #require(results).map { (($0["unique_id"] as? String ?? "").suffix(4), $0) },
      uniquingKeysWith: { first, _ in first }
    )
    for (index, call) in calls.enumerated() {
      let result = try #require(byName[name(index).suffix(4)])
      let text = (result["compiled_code"] as? String ?? "")
        .replacing("\"\(database)", with: "\"DATABASE").replacing(
          "'\(database)'",
          with: "'DATABASE'"
        )
        .replacing("\\\"\(database)\\\"", with: "\\\"DATABASE\\\"")
      let failed = result["status"] as? String != "success"
      #expect(
        call.accepts(text, failed: failed),
        "\(call.text): \(failed ? result["message"] ?? "" : text)"
      )
    }
  }

  private static func json(_ file: String) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: file))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  // MARK: The project

  private static func name(_ index: Int) -> String { "m\(1000 + index)" }

  private static func files(_ calls: [Call], relations: String) -> [String: String] {
    var files = [
      "dbt_project.yml": settings,
      // Whatever a model calls is called while it is compiled; there is nothing to make.
      "macros/probe.sql": """
      {% macro make_relations() %}{% do run_query(\(quoted(relations))) %}{% endmacro %}
      {% macro probed() %}
        {% call noop_statement('main', 'OK') %}{{ sql }}{% endcall %}
        {{ return({'relations': []}) }}
      {% endmacro %}
      {% materialization probe, default %}{{ return(probed()) }}{% endmaterialization %}
      {% materialization materialized_view, default %}{{ return(probed()) }}{% endmaterialization %}
      """,
    ]
    for (index, call) in calls.enumerated() {
      files["models/\(name(index)).sql"] = call.model
    }
    return files
  }

  private static let settings = "models: {+materialized: probe}\n"

  private static func quoted(_ text: String) -> String {
    "\"" + text.replacing("\"", with: "\\\"") + "\""
  }

  private static let relations = """
    create schema fx;
    create table fx.t (id int, name varchar(10), amt numeric(10,2), ts timestamp, "Big" text);
    create view fx.v as select id, name from fx.t;
    create materialized view fx.m as select id from fx.t;
    create index mi on fx.m (id);
    create table fx.t2 (id bigint, name varchar(20), extra date);
    create function fx.f(a int) returns int as 'select a+1' language sql;
    comment on table fx.t is 'it''s';
    comment on column fx.t.id is 'the id';
    """

  private static let redshiftRelations = """
    create schema fx;
    create table fx.t (id int, name varchar(10), amt numeric(10,2), ts timestamp, "Big" varchar(20))
      distkey(id) sortkey(id);
    insert into fx.t (id) values (1);
    create view fx.v as select id, name from fx.t;
    create view fx.lb as select id, name from fx.t with no schema binding;
    create materialized view fx.m as select id from fx.t;
    create table fx.t2 (id bigint, name varchar(20), extra date);
    """

  // MARK: What was recorded

  private struct Call {
    let text: String
    let model: String
    private let gives: Any?
    private let words: String?

    init(_ line: Substring) throws {
      let map = try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      )
      let call = map["call"] as? String
      text = try #require(call ?? map["model"] as? String)
      model =
        call.map {
          "{% if execute %}{% set v = (\($0)) %}{{ tojson(v if (v is string or v is number "
            + "or v is none or v is boolean) else v | string) }}{% endif %}"
        } ?? text
      gives = map["gives"]
      words = map["words"] as? String
    }

    func accepts(_ text: String, failed: Bool) -> Bool {
      guard gives != nil || words != nil else { return failed }
      guard !failed else { return false }
      let value =
        try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
      if let words {
        let letters = (value as? String ?? text).filter { !$0.isWhitespace }
        return letters.trimmingCharacters(in: CharacterSet(charactersIn: ";")) == words
      }
      if let gives = gives as? String { return value as? String ?? text == gives }
      return (value as? NSObject) == (gives as? NSObject)
    }
  }

  private static func calls(_ adapter: String) throws -> [Call] {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Recorded/\(adapter).jsonl")
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(Call.init)
  }
}
