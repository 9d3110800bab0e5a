import Foundation
import Testing

/// Rebuilding a relation on which others hang: views of other people, and readers.
struct DependentsTests {
  private let home: TestHome

  init() throws { home = try TestHome.shared.get() }

  /// A table `kept` with views of somebody else on it.
  private func built(_ name: String) async throws -> String {
    let folder = try home.folder(
      "\(name)-\(UInt32.random(in: 0...UInt32.max))",
      files: [
        "dbt_project.yml": BadInput.projectFile("models: {faulty: {+materialized: table}}\n"),
        "models/kept.sql": "select 1 as id, 'a' as name\n",
      ]
    )
    try await run(["run"], in: folder)
    try await sql(
      """
      create schema bi;
      create view bi.names as select id, name from public.kept;
      create view bi.counted as select count(*) as n from bi.names;
      create materialized view bi.stored as select id from bi.names;
      create index stored_id on bi.stored (id);
      comment on view bi.names is 'whose';
      comment on column bi.names.name is 'what';
      grant select on bi.names, bi.stored to public;
      """,
      in: folder
    )
    return folder
  }

  @discardableResult
  private func run(_ arguments: [String], in folder: String) async throws -> Sectoral.Result {
    let result = try await Sectoral.run(arguments, in: folder, home: home)
    try #require(result.exitCode == 0, "\(result)")
    return result
  }

  @discardableResult
  private func sql(_ text: String, in folder: String) async throws -> String {
    let arguments = ["db", "psql", "--", "-XAtqv", "ON_ERROR_STOP=1", "-c", text]
    return try await run(arguments, in: folder).output
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private func model(_ text: String, in folder: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/models/kept.sql"))
  }

  /// What somebody else made, and said of it.
  private static let belongings = """
    select concat_ws('|',
      (select string_agg(n || '', ',') from bi.counted),
      (select string_agg(id || name, ',') from bi.names),
      (select string_agg(id || '', ',') from bi.stored),
      obj_description('bi.names'::regclass),
      col_description('bi.names'::regclass, 2),
      (select count(*) from pg_indexes where schemaname = 'bi'),
      has_table_privilege('public', 'bi.names', 'select'),
      has_table_privilege('public', 'bi.stored', 'select'),
      (select count(*) from pg_class where relname like '%\\_\\_dbt\\_%'))
    """

  @Test(arguments: [
    // The views change in their places, and the materialized view keeps its rows.
    ("select 2 as id, 'b' as name", "1|2b|1|whose|what|1|t|t|0"),
    // Another type, another order, one more: the views are made again.
    ("select true as more, 'c'::varchar(9) as name, 3::bigint as id", "1|3c|3|whose|what|1|t|t|0"),
  ])
  func viewsOfOthersStay(_ text: String, _ expected: String) async throws {
    let folder = try await built("dependents")
    try model(text, in: folder)
    try await run(["run"], in: folder)
    #expect(try await sql(Self.belongings, in: folder) == expected)
    // As a view it takes the table's place, and the other way round.
    try model("{{ config(materialized='view') }} \(text)", in: folder)
    try await run(["run"], in: folder)
    #expect(try await sql(Self.belongings, in: folder) == expected)
    try await run(["run"], in: folder)
    #expect(try await sql(Self.belongings, in: folder) == expected)
  }

  @Test
  func whatDoesNotFitKeepsTheOldTable() async throws {
    let folder = try await built("misfit")
    try model("select 2 as id\n", in: folder)
    let result = try await Sectoral.run(["run"], in: folder, home: home)
    #expect(result.exitCode == 1, "\(result)")
    // Postgres 18 writes the column in another way.
    let words = "the view bi.names does not fit the new public.kept: column "
    let columns = ["kept.name does not exist", "\"name\" does not exist"]
    #expect(columns.contains { result.output.contains(words + $0) }, "\(result)")
    #expect(result.output.contains("meta.sectoral.dependents"), "\(result)")
    #expect(try await sql(Self.belongings, in: folder) == "1|1a|1|whose|what|1|t|t|0")

    // dbt's way, where it is asked for.
    try model(
      "{{ config(meta={'sectoral': {'dependents': 'cascade'}}) }} select 2 as id\n",
      in: folder
    )
    try await run(["run"], in: folder)
    #expect(
      try await sql("select (select id from kept), to_regclass('bi.names')", in: folder) == "2|"
    )
  }

  /// Functions that read the table or give its rows, views that call them, policies that look into it.
  @Test(arguments: [
    // The table keeps its columns.
    ("select 2 as id, 'b' as name", "b|1|b b|2|f|t|alone|t"),
    // They change their types and their order.
    ("select true as more, 'c'::varchar(9) as name, 3::bigint as id", "c|1|c c|3|f|t|alone|t"),
  ])
  func functionsAndPoliciesStay(_ text: String, _ expected: String) async throws {
    let folder = try await built("functions")
    try await sql(
      """
      create function bi.counts() returns bigint begin atomic select count(*) from public.kept; end;
      create function bi.rows() returns setof public.kept language sql as 'select * from kept';
      create function bi.label(k public.kept, times int = 2) returns text language sql
        as $$ select rtrim(repeat(k.name || ' ', times)) $$;
      create view bi.called as select bi.counts() as n, (select max(id) from bi.names) as most;
      comment on function bi.label is 'alone';
      revoke all on function bi.label from public;
      grant execute on function bi.counts to public;
      create table bi.own (id int);
      alter table bi.own enable row level security;
      create policy seen on bi.own for select using (id in (select k.id from public.kept as k));
      """,
      in: folder
    )
    let asked = """
      select concat_ws('|', (select name from bi.rows()), bi.counts(),
        (select bi.label(k) from kept as k), (select most from bi.called),
        has_function_privilege('public', 'bi.label(public.kept, int)', 'execute'),
        has_function_privilege('public', 'bi.counts()', 'execute'),
        obj_description('bi.label(public.kept, int)'::regprocedure),
        (select pg_get_expr(polqual, polrelid) ~ 'FROM kept k' from pg_policy))
      """
    try model(text, in: folder)
    try await run(["run"], in: folder)
    #expect(try await sql(asked, in: folder) == expected)
    try await run(["run"], in: folder)
    #expect(try await sql(asked, in: folder) == expected)
  }

  /// What nothing can move, a table with a column of the table's row type, keeps the old one.
  @Test
  func whatCannotMoveIsNamed() async throws {
    let folder = try await built("columns")
    try await sql("create table bi.log (entry public.kept)", in: folder)
    let result = try await Sectoral.run(["run"], in: folder, home: home)
    #expect(result.exitCode == 1, "\(result)")
    for words in [
      "what hangs on public.kept cannot be put on the new one",
      "column entry of table bi.log depends on type public.kept",
      "meta.sectoral.dependents",
    ] {
      #expect(result.output.contains(words), "\(words) in \(result)")
    }
  }

  /// Rights that nobody wrote in the project, and those of a hook.
  @Test
  func grantsStayWithTheTable() async throws {
    let folder = try await built("grants")
    let reader = "reader_\(UInt32.random(in: 0...UInt32.max))"
    try await sql("drop schema bi cascade", in: folder)
    try await sql(
      """
      create role \(reader); grant insert on kept to \(reader) with grant option;
      grant select (name) on kept to \(reader); grant delete on kept to public;
      """,
      in: folder
    )
    let asked = """
      select concat_ws('|', has_table_privilege('\(reader)', 'kept', 'insert with grant option'),
        has_column_privilege('\(reader)', 'kept', 'name', 'select'),
        has_column_privilege('\(reader)', 'kept', 'id', 'select'),
        has_table_privilege('public', 'kept', 'delete'), (select max(id) from kept))
      """
    for id in 2...3 {
      try model("select \(id) as id, 'b' as name", in: folder)
      try await run(["run"], in: folder)
      #expect(try await sql(asked, in: folder) == "t|t|f|t|\(id)")
    }
    // What the project says of grants is all there is.
    try model(
      "{{ config(grants={'select': '\(reader)'}) }} select 4 as id, 'b' as name",
      in: folder
    )
    try await run(["run"], in: folder)
    #expect(try await sql(asked, in: folder) == "f|t|t|f|4")
  }

  /// Row-level security goes with the table, and with it the rights that it narrowed: they would show all.
  @Test
  func grantsGoWithRowLevelSecurity() async throws {
    let folder = try await built("policies")
    let reader = "reader_\(UInt32.random(in: 0...UInt32.max))"
    try await sql("drop schema bi cascade", in: folder)
    try await sql(
      """
      create role \(reader); grant select on kept to \(reader);
      alter table kept enable row level security; create policy own on kept using (false);
      """,
      in: folder
    )
    let asked = """
      select has_table_privilege('\(reader)', 'kept', 'select'), (select max(id) from kept)
      """
    try model("select 2 as id, 'b' as name", in: folder)
    let refused = try await Sectoral.run(["--warn-error", "run"], in: folder, home: home)
    #expect(refused.exitCode == 1, "\(refused)")
    #expect(refused.output.contains("the rights that somebody gave"), "\(refused)")
    #expect(try await sql(asked, in: folder) == "t|1")
    let output = try await run(["run"], in: folder).output
    #expect(output.contains("the rights that somebody gave on public.kept went with its row-level"))
    #expect(output.contains("grant SELECT on public.kept to \(reader)."))
    #expect(try await sql(asked, in: folder) == "f|2")
    // What hooks make is there before anybody sees the table.
    try model(
      """
      {{ config(post_hook=['alter table {{ this }} enable row level security',
        'create policy own on {{ this }} using (false)', 'grant select on {{ this }} to \(reader)']) }}
      select 3 as id, 'b' as name

      """,
      in: folder
    )
    for _ in 1...2 {
      let again = try await run(["run"], in: folder)
      #expect(!again.output.contains("somebody gave"), "\(again)")
      #expect(try await sql(asked, in: folder) == "t|3")
    }
  }

  /// Views of people whose views are not ours to change: the table stays under them and gets the new rows.
  @Test
  func viewsOfOtherOwnersStay() async throws {
    let mark = UInt32.random(in: 0...UInt32.max)
    let folder = try home.folder(
      "owners-\(mark)",
      files: ["dbt_project.yml": BadInput.projectFile(""), "models/kept.sql": ""]
    )
    func model(_ text: String) throws {
      try self.model(
        """
        {{ config(materialized='table', pre_hook='set local role app_\(mark)', post_hook=[
            'alter table {{ this }} add primary key (id)', 'create index by_name on {{ this }} (name)']) }}
        \(text)

        """,
        in: folder
      )
    }
    try await sql(
      """
      create role app_\(mark); create role bi_\(mark);
      grant all on schema public to app_\(mark); grant usage on schema public to bi_\(mark);
      create schema bi authorization bi_\(mark);
      """,
      in: folder
    )
    try model("select 1 as id, 'a' as name")
    try await run(["run"], in: folder)
    try await sql(
      """
      grant select on kept to bi_\(mark); set role bi_\(mark);
      create view bi.names as select id, name from public.kept;
      create view bi.counted as select count(*) as n from bi.names;
      """,
      in: folder
    )
    let asked = """
      select concat_ws('|', (select string_agg(id || name, ',' order by id) from bi.names),
        (select n from bi.counted), (select count(*) from pg_indexes where tablename = 'kept'),
        (select count(*) from pg_constraint where conrelid = 'kept'::regclass and contype = 'p'),
        (select count(*) from pg_class where relname like '%\\_\\_dbt\\_%'))
      """
    try model("select 2 as id, 'b' as name union all select 3, 'c'")
    try await run(["run"], in: folder)
    #expect(try await sql(asked, in: folder) == "2b,3c|2|2|1|0")
    try model("select true as more, 4 as id, 'd' as name")
    try await run(["run"], in: folder)
    #expect(try await sql(asked, in: folder) == "4d|1|2|1|0")
    #expect(try await sql("select more from kept", in: folder) == "t")

    try model("select 5::bigint as id, 'e' as name, true as more")
    let result = try await Sectoral.run(["run"], in: folder, home: home)
    #expect(result.exitCode == 1, "\(result)")
    for words in [
      "public.kept cannot be replaced under what belongs to others: permission denied for schema bi "
        + "(view bi.names, view bi.counted)",
      "these columns are gone or have another type: id", "meta.sectoral.dependents",
    ] {
      #expect(result.output.contains(words), "\(words) in \(result)")
    }
    #expect(!result.output.contains("inline_code_block"), "\(result)")
    #expect(try await sql(asked, in: folder) == "4d|1|2|1|0")
  }

  /// A seed is made anew with its views in place; rows that are refused leave the old table.
  @Test
  func viewsOnSeedsStay() async throws {
    let folder = try await built("seeds")
    try await sql("drop schema bi cascade; drop table kept", in: folder)
    let seed = URL(fileURLWithPath: "\(folder)/seeds/kept.csv")
    try FileManager.default.removeItem(atPath: "\(folder)/models/kept.sql")
    try FileManager.default.createDirectory(
      atPath: "\(folder)/seeds",
      withIntermediateDirectories: true
    )
    try Data("id,name\n1,a\n".utf8).write(to: seed)
    let indexes = "seeds: {faulty: {+indexes: [{columns: [id], unique: true}]}}\n"
    try Data(BadInput.projectFile(indexes).utf8)
      .write(to: URL(fileURLWithPath: "\(folder)/dbt_project.yml"))
    for name in ["own", "under"] {
      let view = "{{ config(materialized='view') }} select id from {{ ref('kept') }}\n"
      try Data(view.utf8).write(to: URL(fileURLWithPath: "\(folder)/models/\(name).sql"))
    }
    try await run(["build"], in: folder)
    try await sql(
      "create schema bi; create view bi.names as select id, name from kept; "
        + "comment on view bi.names is 'whose'; create view bi.above as select * from under",
      in: folder
    )
    let asked = """
      select concat_ws('|', (select string_agg(id || name, ',') from bi.names),
        obj_description('bi.names'::regclass),
        (select count(*) from pg_indexes where tablename = 'kept'),
        (select count(*) from pg_class where relname like '%\\_\\_dbt\\_%'))
      """
    try Data("more,name,id\nx,b,2\ny,c,3\n".utf8).write(to: seed)
    try await run(["seed", "--full-refresh"], in: folder)
    #expect(try await sql(asked, in: folder) == "2b,3c|whose|1|0")
    // The project's own view goes with the old table, unless somebody else's stands on it.
    let standing = "select to_regclass('own') is null, (select sum(id) from bi.above)"
    #expect(try await sql(standing, in: folder) == "t|5")
    try await run(["build", "--full-refresh"], in: folder)
    #expect(try await sql("select sum(id) from own", in: folder) == "5")
    #expect(try await sql(standing, in: folder) == "f|5")
    try Data("more,name,id\nx,b,2\ny,c,2\n".utf8).write(to: seed)
    let refused = try await Sectoral.run(["seed", "--full-refresh"], in: folder, home: home)
    #expect(refused.exitCode == 1, "\(refused)")
    #expect(refused.output.contains("could not create unique index"), "\(refused)")
    #expect(try await sql(asked, in: folder) == "2b,3c|whose|1|0")
  }

  @Test
  func viewsOfTheRunAreRebuilt() async throws {
    let folder = try await built("rebuilt")
    try await sql("drop schema bi cascade", in: folder)
    let view = "{{ config(materialized='view') }} select * from {{ ref('kept') }}\n"
    try Data(view.utf8).write(to: URL(fileURLWithPath: "\(folder)/models/above.sql"))
    try await run(["run"], in: folder)
    try model("select 5 as other\n", in: folder)
    try await run(["run"], in: folder)
    #expect(try await sql("select other from above", in: folder) == "5")
  }

  @Test
  func foreignKeysPointToTheNewTable() async throws {
    func contracted(_ name: String, _ constraint: String) -> String {
      """
        - name: \(name)
          config: {materialized: table, contract: {enforced: true}}
          columns: [{name: id, data_type: int, constraints: [\(constraint)]}]

      """
    }
    let project = try SmallProject(
      "keys",
      [
        "models/parent.sql": "select {{ var('id', 1) }} as id\n",
        "models/child.sql": "select {{ var('id', 1) }} as id\n",
        "models/models.yml": "models:\n" + contracted("parent", "{type: primary_key}")
          + contracted("child", "{type: foreign_key, to: ref('parent'), to_columns: [id]}"),
      ]
    )
    func sql(_ text: String) async throws -> String {
      let psql = try await project.run("db", "psql", "--", "-XAtqv", "ON_ERROR_STOP=1", "-c", text)
      try #require(psql.exitCode == 0, "\(psql)")
      return psql.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    try #require(try await project.run("run").exitCode == 0)
    _ = try await sql(
      "create schema bi; create table bi.other (id int references public.parent (id)); "
        + "insert into bi.other values (1)"
    )
    let again = try await project.run("run")
    #expect(again.exitCode == 0, "\(again)")
    let keys =
      "select string_agg(conrelid::regclass || ' ' || confrelid::regclass, ',' order by 1) "
      + "from pg_constraint where contype = 'f'"
    #expect(try await sql(keys) == "bi.other parent,child parent")
    // A row of somebody else's that would point to nothing: the old table stays.
    let misfit = try await project.run("run", "--vars", "id: 2")
    #expect(misfit.exitCode == 1, "\(misfit)")
    #expect(misfit.output.contains("of bi.other does not fit the new public.parent"), "\(misfit)")
    #expect(try await sql("select id from parent") == "1")
    // The run's own child is built after it.
    _ = try await sql("drop table bi.other")
    let own = try await project.run("run", "--vars", "id: 2")
    #expect(own.exitCode == 0, "\(own)")
    #expect(try await sql(keys) == "child parent")
  }

  /// Keys that hooks make, as dbt-core's users have to: the new parent has none yet when it takes the old
  /// one's place. The project's own foreign keys go with the old parent, and are made again.
  @Test
  func keysMadeByHooksAreMadeAgain() async throws {
    let project = try SmallProject(
      "hookkeys",
      [
        "models/parent.sql": """
        {{ config(materialized='table', post_hook='alter table {{ this }} add primary key (id)') }}
        select 1 as id

        """,
        "models/child.sql": """
        {{ config(materialized='table', post_hook='alter table {{ this }} add constraint points
            foreign key (id) references {{ ref("parent") }} (id)') }}
        select 1 as id

        """,
      ]
    )
    for arguments in [["run"], ["run"], ["run", "--select", "parent"], ["run"]] {
      let result = try await project.run(arguments)
      #expect(result.exitCode == 0, "\(arguments): \(result)")
    }
    let asked =
      "select conrelid::regclass, confrelid::regclass from pg_constraint where contype = 'f'"
    let psql = try await project.run("db", "psql", "--", "-XAtqc", asked)
    #expect(psql.output.contains("child|parent"), "\(psql)")
  }

  @Test
  func readersAlwaysFindARelation() async throws {
    let folder = try await built("readers")
    let reads =
      "select count(*) from kept;\nselect count(*) from bi.counted;\nselect pg_sleep(0.01);\n"
    // Each of them a transaction of its own, as readers have.
    async let reading = readAgainAndAgain(reads, in: folder)
    async let again: Void = {
      for _ in 1...3 { try await run(["run"], in: folder) }
    }()
    _ = try await again
    let answers = Set(try await reading.split(separator: "\n"))
    #expect(answers == ["1"])
  }

  /// Who reads a view holds it, and waits for its table while that is exchanged. The server ends one of two that
  /// wait for each other, and here it would be the reader: it looks for such a thing when a slow exchange, having
  /// the table, comes to the views.
  @Test(arguments: [
    // As a reader's first lock is the view, and then what it stands on.
    "select count(*) from bi.counted",
    // A row of a table whose key points there.
    "insert into bi.pointing values (1)",
    // A policy looks into it.
    "set role pg_read_all_data; select count(*) from bi.guarded",
  ])
  func readersOfASlowExchangeWait(_ read: String) async throws {
    let folder = try await built("slow")
    try await sql(
      """
      alter table kept add unique (id);
      create table bi.pointing (id int references kept (id));
      create table bi.guarded (id int);
      alter table bi.guarded enable row level security;
      grant usage on schema bi to public;
      create policy looking on bi.guarded using (id in (select id from kept));
      create function slowly() returns event_trigger language plpgsql as $$
      begin
        if exists (
          select from pg_event_trigger_ddl_commands() where object_identity ~ '^public.kept__')
        then perform pg_sleep(1); end if;
      end $$;
      create event trigger slowly on ddl_command_end when tag in ('ALTER TABLE') execute function slowly();
      """,
      in: folder
    )
    let contract = """
      models:
        - name: kept
          config: {contract: {enforced: true}}
          columns:
            - {name: id, data_type: int, constraints: [{type: unique}]}
            - {name: name, data_type: text}

      """
    try Data(contract.utf8).write(to: URL(fileURLWithPath: "\(folder)/models/kept.yml"))
    let reads = "set deadlock_timeout = '1100ms';\n" + String(repeating: "\(read);\n", count: 2_000)
    async let reading = Sectoral.run(
      ["db", "psql", "--", "-XAtqv", "ON_ERROR_STOP=1"],
      in: folder,
      home: home,
      input: reads + "select 'end';\n"
    )
    for _ in 1...2 { try await run(["run"], in: folder) }
    let result = try await reading
    #expect(result.exitCode == 0 && result.output.hasSuffix("end\n"), "\(result)")
  }

  private func readAgainAndAgain(_ reads: String, in folder: String) async throws -> String {
    let result = try await Sectoral.run(
      ["db", "psql", "--", "-XAtqv", "ON_ERROR_STOP=1"],
      in: folder,
      home: home,
      input: String(repeating: reads, count: 500)
    )
    try #require(result.exitCode == 0, "\(result)")
    return result.output
  }
}
