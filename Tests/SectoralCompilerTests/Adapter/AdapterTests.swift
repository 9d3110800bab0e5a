import SectoralJinja
import SectoralText
import SectoralWarehouse
import Synchronization
import Testing

@testable import SectoralCompiler

struct AdapterTests {
  private func host(_ warehouse: ScriptedWarehouse = ScriptedWarehouse()) -> TestHost {
    let host = TestHost(adapterType: warehouse.adapterType)
    host.session = WarehouseSession(
      name: "model.shop.orders",
      warehouse: warehouse,
      cache: RelationCache()
    )
    return host
  }

  private static let setup =
    "{% set r = api.Relation.create(database='db', schema='s', identifier='t', type='table') %}"

  @Test(arguments: [
    Case("{{ adapter.type() }} {{ adapter.quote('x\"y') }}", "postgres \"x\"y\""),
    Case(
      "{{ adapter.quote_as_configured('x', 'identifier') }} {{ adapter.quote_as_configured('x', 'bad') }}",
      "\"x\" x"
    ),
    Case(
      "{{ adapter.quote_seed_column('x', none) }} {{ adapter.quote_seed_column('x', false) }}",
      "\"x\" x"
    ),
    Case(
      "{{ adapter.quote_seed_column('x', 'yes') }}",
      "CompilationError: The seed configuration value of \"quote_columns\" has an invalid type <class 'str'>"
    ),
    Case("{{ adapter.verify_database('DB') }}{{ adapter.verify_database('\"db\"') }}", ""),
    Case(
      "{{ adapter.verify_database('other') }}",
      "NotImplementedError: Cross-db references not allowed in postgres (other vs db)"
    ),
    Case(
      "{{ adapter.parse_index({'columns': ['a'], 'unique': true}).unique }} {{ adapter.parse_index(none) }} {{ adapter.parse_index({'columns': ['a']}).render(r) | length }}",
      "True None 32"
    ),
    Case(
      "{{ adapter.parse_index({'columns': 'a'}) }}",
      "CompilationError: Could not parse index config: at path ['columns']: 'a' is not of type 'array'"
    ),
    Case(
      "{{ adapter.parse_index({'columns': ['a'], 'foo': 1}) }}",
      "CompilationError: Could not parse index config: at path []: Additional properties are not allowed ('foo' was unexpected)"
    ),
    Case(
      "{{ adapter.get_hard_deletes_behavior({}) }} {{ adapter.get_hard_deletes_behavior({'invalidate_hard_deletes': true}) }} {{ adapter.get_hard_deletes_behavior({'hard_deletes': 'new_record'}) }}",
      "ignore invalidate new_record"
    ),
    Case(
      "{{ adapter.get_hard_deletes_behavior({'invalidate_hard_deletes': true, 'hard_deletes': 'ignore'}) }}",
      "DbtRuntimeError: You cannot set both the invalidate_hard_deletes and hard_deletes config properties on the same snapshot."
    ),
    Case(
      "{{ adapter.get_hard_deletes_behavior({'hard_deletes': 'bad'}) }}",
      "DbtRuntimeError: Invalid setting for property hard_deletes."
    ),
    Case(
      "{{ adapter.get_incremental_strategy_macro({'get_incremental_delete_insert_sql': 7}, 'delete+insert') }} {{ adapter.get_incremental_strategy_macro({'get_incremental_default_sql': 8}, none) }}",
      "7 8"
    ),
    Case(
      "{{ adapter.get_incremental_strategy_macro({}, 'foo') }}",
      "DbtRuntimeError: dbt could not find an incremental strategy macro with the name \"get_incremental_foo_sql\" in shop"
    ),
    Case(
      "{{ adapter.behavior.enable_truthy_nulls_equals_macro.no_warn }} {% if adapter.behavior.postgres_skip_autocommit_transaction_statements %}y{% endif %}",
      "False y"
    ),
    Case(
      "{{ adapter.config.quoting }} {{ adapter.config.credentials.schema }} {{ adapter.config.credentials.password is defined }}",
      "{'database': True, 'schema': True, 'identifier': True} public False"
    ),
    Case(
      "{{ adapter.dispatch('m', 'pkg') }} {{ adapter.dispatch('m') }}",
      "dispatched pkg.m dispatched -.m"
    ),
    Case(
      "{{ adapter.dispatch('p.m') }}",
      "CompilationError: In adapter.dispatch, got a macro name of \"p.m\", but \".\" is not a valid macro name component. Did you mean `adapter.dispatch(\"m\", macro_namespace=\"p\")`?"
    ),
    Case(
      "{{ adapter.dispatch('m', ['a']) }}",
      "CompilationError: The macro_namespace argument to adapter.dispatch() must be a string, got ['a']"
    ),
    Case("{{ adapter.nope is defined }} {{ adapter.Relation.create(schema='s') }}", "False \"s\""),
    Case(
      "{{ adapter.render_raw_columns_constraints({'a': {'name': 'a', 'data_type': 'int', 'quote': true, 'constraints': [{'type': 'not_null'}, {'type': 'check', 'expression': 'a > 0'}, {'type': 'foreign_key', 'to': 'x.t', 'to_columns': ['c', 'd']}, {'type': 'custom', 'expression': 'x y'}]}, 'b': {'name': 'b', 'data_type': 'text'}}) }}",
      "['\"a\" int not null check (a > 0) references x.t (c, d) x y', 'b text']"
    ),
    Case(
      "{{ adapter.render_raw_model_constraints([{'type': 'primary_key', 'columns': ['a', 'b'], 'name': 'pk'}, {'type': 'unique', 'columns': ['a'], 'expression': 'nulls not distinct'}, {'type': 'check', 'expression': 'a>0', 'name': 'c'}, {'type': 'foreign_key', 'columns': ['a'], 'expression': 't (x)'}, {'type': 'not_null', 'columns': ['a']}, {'type': 'check'}]) }}",
      "['constraint pk primary key (a, b)', 'unique nulls not distinct (a)', 'constraint c check (a>0)', 'foreign key (a) references t (x)']"
    ),
    Case(
      "{{ adapter.render_raw_model_constraints([{'type': 'nope'}]) }}",
      "DbtRuntimeError: Could not parse constraint: {'type': 'nope'}"
    ),
    Case(
      "{{ adapter.drop_relation(api.Relation.create(database='d', identifier='t')) }}",
      "CompilationError: Tried to drop relation \"d\".\"t\", but its type is null."
    ),
    Case(
      "{{ adapter.cache_added(none) }}",
      "CompilationError: Attempted to cache a null relation for orders"
    ),
    Case(
      "{{ adapter.commit() }}",
      "InternalError: Tried to commit transaction on connection \"model.shop.orders\", but it does not have one open!"
    ),
    Case(
      "{{ adapter.get_missing_columns('x', r) }}",
      "CompilationError: 'adapter.get_missing_columns' expects argument 'from_relation' to be of type '<class 'dbt.adapters.postgres.relation.PostgresRelation'>', instead got x (<class 'str'>)"
    ),
  ])
  func methodsBehaveAsDbts(_ test: Case) {
    #expect(host().outcome(Self.setup + test.template) == test.expected)
  }

  @Test(arguments: [
    Case("{{ adapter.get_relation('d', 's', 't') }}", "None"),
    Case(
      "{{ adapter.get_columns_in_relation(r) }} {{ adapter.get_missing_columns(r, r) }}",
      "[] []"
    ),
    Case(
      "{{ adapter.execute('select 1', fetch=true)[0] }}|{{ adapter.execute('x')[1].rows | length }}",
      "|0"
    ),
    Case(
      "{{ adapter.add_query('x') }} {{ adapter.check_schema_exists('d', 's') }} {{ adapter.already_exists('s', 't') }}",
      "(None, None) False False"
    ),
    Case(
      "{{ adapter.create_schema(r) }} {{ adapter.drop_relation(r) }} {{ adapter.get_incremental_strategy_macro({}, 'x') }}",
      "None None None"
    ),
    Case(
      "{{ adapter.type() }} {{ adapter.quote('a') }} {{ adapter.cache_added(r) }}",
      "postgres \"a\" "
    ),
  ])
  func nothingReachesTheDatabaseWhileReading(_ test: Case) {
    let host = TestHost()
    host.isExecuting = false
    #expect(host.outcome(Self.setup + test.template) == test.expected)
  }

  @Test func relationsComeFromTheCache() throws {
    let host = host()
    host.macros["list_relations_without_caching"] = """
      {% macro list_relations_without_caching(schema_relation) %}
      {{ log(schema_relation, info=true) }}
      {% set rows = adapter.execute('list', fetch=true)[1] %}{{ return(rows) }}{% endmacro %}
      """
    let text = { (name: String) in ResultColumn(name: name, kind: .text, typeName: "text") }
    let warehouse = try #require(host.session?.warehouse as? ScriptedWarehouse)
    warehouse.state.withLock {
      $0.answers = [
        (
          "list",
          ResultTable(
            columns: ["database", "name", "schema", "type"].map(text),
            rows: [
              ["db", "t", "s", "table"], ["db", "V", "s", "view"], ["db", "f", "s", "foreign"],
            ]
          )
        )
      ]
    }
    #expect(
      host.outcome(
        "{% set t = adapter.get_relation('db', 's', 't') %}{{ t }} {{ t.type }} {{ adapter.get_relation(database='db', schema='s', identifier='f').type }} {{ adapter.get_relation('db', 's', 'x') }}"
      )
        == "\"db\".\"s\".\"t\" table external None"
    )
    #expect(
      host.outcome("{{ adapter.get_relation('db', 's', 'v') }}").hasPrefix(
        "CompilationError: When searching for a relation, dbt found an approximate match."
      )
    )
    #expect(host.calledMacros == ["list_relations_without_caching"])
    #expect(host.logged == ["info: \"db\".\"s\""])
    _ = host.outcome("{{ adapter.cache_added(api.Relation.create('db', 's', 'new', 'view')) }}")
    #expect(host.outcome("{{ adapter.get_relation('db', 's', 'new').is_view }}") == "True")
  }

  @Test func macrosDoTheWork() throws {
    let host = host()
    for name in ["drop_relation", "truncate_relation", "create_schema", "drop_schema"] {
      host.macros[name] = """
        {% macro \(name)(relation) %}{% do adapter.execute('\(name) ' ~ relation, auto_begin=true) %}{% endmacro %}
        """
    }
    host.macros["rename_relation"] = """
      {% macro rename_relation(from_relation, to_relation) %}{% do adapter.execute('rename ' ~ from_relation ~ ' ' ~ to_relation) %}{% endmacro %}
      """
    _ = try host.render(
      Self.setup
        + "{% do adapter.create_schema(r) %}{% do adapter.rename_relation(r, r.incorporate(path={'identifier': 'u'})) %}"
        + "{% do adapter.truncate_relation(r) %}{% do adapter.drop_relation(r) %}{% do adapter.commit() %}{% do adapter.drop_schema(r) %}"
    )
    let warehouse = try #require(host.session?.warehouse as? ScriptedWarehouse)
    #expect(
      warehouse.sent == [
        "BEGIN", "create_schema \"db\".\"s\"", "COMMIT",
        "rename \"db\".\"s\".\"t\" \"db\".\"s\".\"u\"", "truncate_relation \"db\".\"s\".\"t\"",
        "drop_relation \"db\".\"s\".\"t\"", "COMMIT", "drop_schema \"db\".\"s\"", "COMMIT",
      ]
    )
  }

  @Test func redshiftDropsWithinTheTransaction() throws {
    let host = host(ScriptedWarehouse(adapterType: "redshift"))
    host.macros["drop_relation"] = """
      {% macro drop_relation(relation) %}{% do adapter.execute('drop ' ~ relation) %}{% endmacro %}
      """
    _ = try host.render(
      Self.setup + "{% do adapter.drop_relation(r) %}{% do adapter.execute('a', auto_begin=true) %}"
        + "{% do adapter.drop_relation(r) %}{% do adapter.commit() %}"
    )
    let warehouse = try #require(host.session?.warehouse as? ScriptedWarehouse)
    let drop = "drop \"db\".\"s\".\"t\""
    #expect(warehouse.sent == [drop, "BEGIN", "a", drop, "COMMIT"])
  }

  @Test func columnsAreWidened() throws {
    let host = host()
    host.macros["get_columns_in_relation"] = """
      {% macro get_columns_in_relation(relation) %}{{ return([api.Column('a', 'character varying', \
      30 if relation.identifier == 'tmp' else 10), api.Column('n', 'integer')]
        + ([api.Column('x', 'text')] if relation.identifier == 'tmp' else [])) }}{% endmacro %}
      """
    host.macros["alter_column_type"] = """
      {% macro alter_column_type(relation, column_name, new_column_type) %}{% do log(relation.identifier ~ ' ' ~ column_name ~ ' ' ~ new_column_type, info=true) %}{% endmacro %}
      """
    let template =
      Self.setup
      + "{% set tmp = r.incorporate(path={'identifier': 'tmp'}) %}"
      + "{% do adapter.expand_target_column_types(tmp, r) %}"
      + "{{ adapter.get_missing_columns(tmp, r) | map(attribute='name') | list }}"
    #expect(try host.render(template) == "['x']")
    #expect(host.logged.last == "info: t a character varying(30)")
  }

  @Test func redshiftsShowTablesAreRelationsAndCatalog() throws {
    let warehouse = ScriptedWarehouse(adapterType: "redshift")
    let host = host(warehouse)
    func table(_ names: String, _ rows: [[String?]]) -> ResultTable {
      ResultTable(
        columns: names.split(separator: " ").map {
          ResultColumn(name: String($0), kind: .text, typeName: "text")
        },
        rows: rows
      )
    }
    warehouse.state.withLock {
      $0.answers = [
        (
          "show",
          table(
            "database_name schema_name table_name table_type table_subtype remarks owner",
            [
              ["d", "s", "t", "TABLE", "REGULAR TABLE", "r", "o"],
              ["d", "s", "v", "VIEW", "REGULAR VIEW", nil, "o"],
              ["d", "s", "m", "VIEW", "MATERIALIZED VIEW", nil, "o"],
            ]
          )
        ),
        ("functions", table("database name schema type", [["d", "f", "s", "function"]])),
        (
          "columns",
          table(
            "database_name schema_name table_name column_name ordinal_position data_type remarks",
            [
              ["d", "s", "t", "id", "1", "integer", "c"],
              ["d", "s", "x", "id", "1", "integer", nil],
            ]
          )
        ),
      ]
    }
    #expect(
      try host.render(
        """
        {% macro q(sql) %}{{ return(adapter.execute(sql, fetch=true)[1]) }}{% endmacro %}\
        {% set listed = adapter.transform_show_tables_for_list_relations(q('show')) -%}
        {{ listed.columns['type'].values() }}
        {{ adapter.combine_show_tables_and_function_relations(listed, q('functions')).rows | length }}
        {{ adapter.build_catalog_from_show_tables_and_svv_columns([q('show')], q('columns'))[0].values() }}
        """
      )
        == """
        ('table', 'view', 'materialized_view')
        4
        ('d', 's', 't', 'BASE TABLE', 'r', 'o', 'id', '1', 'integer', 'c')
        """
    )
  }

  @Test func resultsAreStoredAndLoadedOnce() throws {
    let host = host()
    #expect(
      host.outcome(
        "{% do store_result('x', response='OK') %}{{ load_result('x').response }}{{ load_result('y') }}"
      )
        == "OKNone"
    )
    #expect(
      host.outcome("{% set a = load_result('x') %}")
        == "CompilationError: The 'statement' result named 'x' has already been loaded into a variable"
    )
    #expect(
      host.outcome(
        "{% do store_raw_result('main', message='CREATE 5', code='CREATE', rows_affected='5') %}"
          + "{{ load_result('main').response }} {{ load_result('main')['response'].rows_affected }}"
      )
        == "CREATE 5 5"
    )
    #expect(host.results.mainResponse?.code == "CREATE")
    #expect(host.results.hasMain)
  }

  @Test func parametersAreBoundAsTheDriverBindsThem() throws {
    let host = host()
    _ = try host.render(
      "{% do adapter.add_query('insert %s, %s, %s, %s, 100%%', bindings=[1, \"o'b\\\\\", none, modules.datetime.date(2024, 1, 2)]) %}"
    )
    let warehouse = try #require(host.session?.warehouse as? ScriptedWarehouse)
    #expect(
      warehouse.sent == ["BEGIN", "insert 1,  E'o''b\\\\', NULL, '2024-01-02'::date, 100%"]
    )
    #expect(
      host.outcome("{{ adapter.add_query('%s', bindings=[]) }}")
        == "DbtRuntimeError: not enough values for the placeholders of the statement"
    )
  }

  @Test func seedsAreCopied() throws {
    let host = host()
    host.seed = try SeedTable(SourceFile(path: "x.csv", text: "id,name\n1,x\n2,\n"))
    #expect(
      try host.render(
        Self.setup
          + "{% set t = load_agate_table() %}{{ adapter.copy_csv_rows(r, t, t.column_names) }}"
      )
        == "2"
    )
    let warehouse = try #require(host.session?.warehouse as? ScriptedWarehouse)
    #expect(
      warehouse.sent.last
        == "copy \"db\".\"s\".\"t\" (\"id\", \"name\") from stdin with (format csv)"
    )
    #expect(
      warehouse.state.withLock { String(decoding: $0.copied, as: UTF8.self) } == "1,x\n2,\n"
    )
  }

  @Test func schemasOfQueriesHaveTheDriversNames() throws {
    let host = host()
    let warehouse = try #require(host.session?.warehouse as? ScriptedWarehouse)
    warehouse.state.withLock {
      $0.answers = [
        (
          "q",
          ResultTable(
            columns: ["int4", "int8", "varchar", "_text", "uuid"].map {
              ResultColumn(name: $0, kind: .text, typeName: $0)
            }
          )
        )
      ]
    }
    #expect(
      try host.render(
        "{{ adapter.get_column_schema_from_query('q') | map(attribute='dtype') | join(' ') }}"
      )
        == "INTEGER LONGINTEGER TEXT STRINGARRAY unknown type_code 2950"
    )
  }

  @Test func theDatabasesWordsReachTheTemplate() throws {
    let host = host()
    let warehouse = try #require(host.session?.warehouse as? ScriptedWarehouse)
    warehouse.state.withLock {
      $0.failures = [
        (
          "bad",
          WarehouseError(
            kind: .statement,
            sqlState: "42P01",
            message: "relation \"x\" does not exist",
            hint: "look again",
            position: 3
          )
        )
      ]
    }
    let error = #expect(throws: TemplateError.self) {
      try host.render("{{ adapter.execute('bad') }}")
    }
    #expect(error?.kind == .database)
    #expect(error?.diagnostic.id == "database.42P01")
    #expect(error?.diagnostic.message == "relation \"x\" does not exist\nHINT:  look again")
    #expect((error?.payload as? WarehouseFailure)?.error.position == 3)
  }
}
